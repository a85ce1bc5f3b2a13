"""The standing audits: questions about what is published, asked at any time, apart from the gate before publishing.

An audit finds rows that break a rule. It knows the rules and the landing tables, and shares no code with the assets.
"""

"""The audits: of content before it is published (`gate`), and of what is published (`standing`).

The two share what an audit's outcome is, and no judgement.
"""

"""The report that a person can hand over: what is published, by which rules, and whether it keeps to them.

It holds counts, names of tables and times, and nothing of a person.
"""

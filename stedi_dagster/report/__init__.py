"""The report to hand over: what is published, by which rules, and whether it keeps to them.

It contains counts, names of tables and times, but nothing about any person.
"""

"""The raw customer files, looked at by code that landing has no part in: which there are, and what they say of whom.

Taken from landing is only where one document of a file ends and the next begins; `files` counts whether all of a file
is in some document. Nothing here is imported by what makes the tables.
"""

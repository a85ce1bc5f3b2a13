"""The other ways of making the eight tables, each a separate program.

From the repository's root: `python -m bench.peers.<name> LANDING OUT`. OUT must not hold any table yet.
"""

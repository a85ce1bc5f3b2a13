"""Whose a warehouse is: its identity, and whether the catalog is the one it belongs to."""

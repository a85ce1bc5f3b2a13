"""Whose a warehouse is: its identity, whether the catalog is the one it belongs to, and `stedi adopt`."""

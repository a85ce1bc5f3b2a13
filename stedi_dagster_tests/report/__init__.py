"""The report that a person can hand over."""

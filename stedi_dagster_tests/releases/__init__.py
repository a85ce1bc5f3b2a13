"""Releases: their cards, for people and for programs."""

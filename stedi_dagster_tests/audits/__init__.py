"""Standing audits."""

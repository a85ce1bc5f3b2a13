"""From raw files to records: listing files, deciding which ones the engine may read, and reading all others.

Staging, judging and publishing what landed belong to `drafts`; what a withdrawal entails, to `policies`.
"""

"""From raw files to records: which files there are, which the engine may read, and how every other one is read."""

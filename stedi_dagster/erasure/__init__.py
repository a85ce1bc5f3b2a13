"""Erasing a person: from raw files, tables, their history and storage, with a ledger of digests and a proof."""

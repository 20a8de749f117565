"""Pages about what is on record: the ledger, statements, certificates of erasure, bills."""

"""What is put on record, and what a server does for its ledger beside requests."""

"""A ledger that several servers write, in PostgreSQL."""

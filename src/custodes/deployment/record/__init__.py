"""The ledger of a data directory and what follows from it, put together."""

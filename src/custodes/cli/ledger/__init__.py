"""Commands about the ledger and what is proven from it."""

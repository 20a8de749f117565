"""What is served: the API, signed endpoints, reviews, the public ledger."""

"""Commands about rules and reviews."""

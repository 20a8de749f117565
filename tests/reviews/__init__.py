"""Results that two persons confirm before anybody sees them."""

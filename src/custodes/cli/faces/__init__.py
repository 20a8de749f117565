"""Commands about collections and faces."""

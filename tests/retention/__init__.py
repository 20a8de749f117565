"""How long faces are kept, and that they go."""

"""Commands about handlers and verifiers."""

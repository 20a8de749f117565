"""Commands about the server itself, and what runs it."""

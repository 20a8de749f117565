"""Commands about labels of one's own."""

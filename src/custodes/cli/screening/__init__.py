"""Commands about lists and customers."""

"""Commands about live streams."""

"""Commands about whole data directories."""

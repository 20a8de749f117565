"""Time stamps by outside authorities."""

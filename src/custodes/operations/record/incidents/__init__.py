"""What goes wrong with the log, and how a server notices."""

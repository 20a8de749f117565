"""Monthly bills: metered from the log, entered in it as one tree, kept as files."""

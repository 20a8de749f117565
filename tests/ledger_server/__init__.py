"""The log as a running server keeps it, and what it answers."""

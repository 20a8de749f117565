"""Programs of other people's clients, each started by a test."""

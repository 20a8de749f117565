"""Use cases: the only place where rooms meet. Each file holds commands, results and their handlers side by side."""

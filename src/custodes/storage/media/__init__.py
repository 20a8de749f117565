"""Media files from strangers: decoded in a child process that can do nothing else."""

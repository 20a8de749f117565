"""Custom labels: projects, datasets, versions, their training, and media analysis jobs."""

"""Custom labels: datasets, training, versions, adapters, media analysis jobs."""

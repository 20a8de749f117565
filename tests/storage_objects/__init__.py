"""Pictures and results in folders and buckets."""

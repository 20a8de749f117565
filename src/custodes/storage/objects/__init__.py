"""Objects of buckets: a folder or any S3 endpoint."""

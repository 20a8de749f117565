"""Workers that compute for jobs: threads of this process, or a Ray cluster."""

"""Work that outlives a request: jobs with a lease, workers that carry them out, schedules of periodic work."""

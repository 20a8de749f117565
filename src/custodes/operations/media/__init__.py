"""Media analysis: one operation on all pictures of a list, as a job, with results in a bucket."""

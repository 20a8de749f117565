"""HTTP machinery: bodies under limits, workers, metrics."""

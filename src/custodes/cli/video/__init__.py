"""Commands about stored videos and jobs."""

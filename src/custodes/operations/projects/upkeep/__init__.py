"""What happens to what is kept of projects outside of requests: pictures erased, states that a server left behind."""

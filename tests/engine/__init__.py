"""The pipeline of the networks, without the networks."""

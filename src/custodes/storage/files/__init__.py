"""Small files of a data directory: durable writing, secrets, policy files."""

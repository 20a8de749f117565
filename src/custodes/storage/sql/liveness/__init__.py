"""Sessions of face liveness over the database."""

"""Face Liveness: sessions, streams and their results, within the gate."""

"""The verifier in JavaScript against the one in Python."""

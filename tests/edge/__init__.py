"""HTTP, signatures and the wire of the API, with hostile input."""

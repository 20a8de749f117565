"""Handlers: one document that says what is done with pictures, compiled to commands that pass the gate."""

"""Inbound adapter: AWS JSON 1.1 over HTTP. Bytes in, commands to operations, bytes out."""

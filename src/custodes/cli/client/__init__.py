"""The one way from commands to a server, or to a data directory when none runs."""

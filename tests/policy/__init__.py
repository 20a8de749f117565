"""Rules, exceptions, notices and what they decide."""

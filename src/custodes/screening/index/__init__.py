"""Which listed names are worth comparing with a name: every one that could alert, found in compact arrays."""

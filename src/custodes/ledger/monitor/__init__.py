"""Watching somebody else's log: a mirror, what it contradicts, alarms."""

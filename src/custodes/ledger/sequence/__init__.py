"""A log that several processes add to: one order of entries in a database, one publisher at a time."""

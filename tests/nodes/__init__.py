"""Several servers over one database, killed, stopped and cut off."""

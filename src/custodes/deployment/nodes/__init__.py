"""One of several servers over one database, put together."""

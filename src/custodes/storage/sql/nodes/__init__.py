"""What several servers over one database need of it."""

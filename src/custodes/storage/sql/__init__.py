"""Everything in SQL: one database, one schema, one writer."""

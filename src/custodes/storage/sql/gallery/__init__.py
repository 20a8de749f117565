"""The gallery in SQL: one file per table, each a set of functions on an open connection, and the store over them."""

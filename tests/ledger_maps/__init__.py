"""The account map, statements, bills, witnesses and reports."""

"""Invoices, checked against the units that the log holds."""

"""What the operator makes for others: maps, statements, invoices, certificates, reports."""

"""Pages for the operator: the record, bills, customers, rules, the server."""

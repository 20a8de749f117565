"""Pages for the operator: customers, rules, the server."""

"""Stand-ins for ports, drawn pictures and films, live servers, visitors and what else tests share."""

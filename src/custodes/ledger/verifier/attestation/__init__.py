"""Reports of processors on which machine a start of a server ran."""

"""Growing the tree of the log and making proofs from it: for whoever keeps a log or a copy, not for an auditor."""

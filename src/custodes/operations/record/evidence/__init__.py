"""What a server states from its ledger: statements, bills, reports, time stamps, and the end of private bodies."""

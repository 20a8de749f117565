"""AWS members to commands and results to AWS members; ratios and percentages happen here."""

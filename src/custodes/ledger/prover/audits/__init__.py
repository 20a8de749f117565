"""What an auditor asks of the operator's private parts: everything made again, and compared."""

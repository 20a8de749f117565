"""What an auditor runs: files in, a verdict with its reasons out. It opens no file but its arguments."""

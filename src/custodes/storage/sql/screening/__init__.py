"""Lists and cases of screening in SQL."""

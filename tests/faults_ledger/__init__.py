"""The log on disks that fail, fill and forget."""

"""Tests of Custodes by subject, a folder each; ``fakes`` has what they share."""

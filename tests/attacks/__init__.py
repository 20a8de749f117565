"""Attacks on what is claimed, each against a live server or its files."""

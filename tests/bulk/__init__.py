"""Enrolment in bulk, computed here or on Ray."""

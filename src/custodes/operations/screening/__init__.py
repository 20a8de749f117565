"""Screening of customers: before they start, when lists change, when they change."""

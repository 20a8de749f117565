"""Sanctions screening: lists, names, ownership. In: list files and an organisation. Out: a verdict with its reasons.

Pure: no database, no network, no clock. Deciding about a verdict, and acting on it, happen elsewhere.
"""

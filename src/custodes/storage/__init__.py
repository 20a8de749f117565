"""Outbound adapters: implement the ports of the rooms; imported by wiring only."""

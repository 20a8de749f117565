"""The ledger on disk: journal, tiles, bodies, anchor, tombstones."""

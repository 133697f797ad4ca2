"""Bytes by digest, rows by name; knows nothing of packs. Start at `store`."""

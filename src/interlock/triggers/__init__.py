"""Adapters: one file for each type of job, and what they share. `table.py` says which starts which."""

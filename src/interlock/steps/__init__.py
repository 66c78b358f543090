"""Gather, decide, act: one file for each state of the workflow or duty of a function."""

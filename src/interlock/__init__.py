"""Interlock: decides whether a data pipeline may run, and keeps watching after it did."""

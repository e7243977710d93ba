"""Doing the work that is owed in storage."""

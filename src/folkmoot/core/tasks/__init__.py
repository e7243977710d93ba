"""Durable work: what must still be done, and by whom."""

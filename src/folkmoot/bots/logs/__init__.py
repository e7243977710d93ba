"""Logs as the assistant reads them: found, opened with care, parsed, stripped of secrets."""

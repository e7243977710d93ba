"""Operating a server: health, the audit trail, logs, and the socket that commands go through."""

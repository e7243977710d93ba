"""Programs that run beside the server, each a process of its own."""

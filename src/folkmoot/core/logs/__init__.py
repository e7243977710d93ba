"""What the assistant may know of logs: lines, passages, and the port to their index."""

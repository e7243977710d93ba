"""What the assistant may know of logs and help pages: passages, and the ports to their indexes."""

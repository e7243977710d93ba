"""Files that people upload, for messages of every contract."""

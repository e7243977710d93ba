"""What people upload: taken in, looked at, kept on disk or in a bucket, and handed out again."""

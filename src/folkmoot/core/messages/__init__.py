"""What people say: posting, editing, deleting, reacting, and reading it all again."""

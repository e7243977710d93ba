"""Where people speak: conversations, who is in them, and how far each has read."""

"""Who is here and who is typing: true now, kept nowhere."""

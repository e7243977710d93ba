"""Finding messages by their words, for every contract."""

"""How the processes of one house tell each other what has happened."""

"""How the processes of one server tell each other what has happened, and who is online."""

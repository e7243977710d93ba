"""Those who listen and post without being anybody: slash commands, and the assistant."""

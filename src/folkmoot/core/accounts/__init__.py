"""Who may speak: accounts, their roles, and their logins."""

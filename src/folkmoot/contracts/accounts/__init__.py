"""The accounts and logins of all contracts, over REST; a leaf beside the chat contracts."""

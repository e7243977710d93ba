"""The `conversations` contract: many-party chat over REST and plain WebSockets, integer ids."""

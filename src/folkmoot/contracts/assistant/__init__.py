"""The `assistant` contract: one socket for all of an account's sessions, and an AI that answers."""

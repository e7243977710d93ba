"""The `sessions` contract: a customer and staff in one session, over REST and plain WebSockets."""

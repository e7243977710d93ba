"""What an author of contracts builds on: WebSocket endpoints, REST helpers, subscriptions."""

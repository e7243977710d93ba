"""The `support` contract: customers and a desk of staff, over Socket.IO and REST."""

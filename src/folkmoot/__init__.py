"""A self-hosted chat server: one conversation, whatever client it is spoken through."""

__version__ = "0.1.0"

"""Folders of help pages: read, cut into passages, and watched for changes."""

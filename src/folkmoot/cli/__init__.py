"""The `folkmoot` command."""

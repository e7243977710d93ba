"""`python -m folkmoot` is the `folkmoot` command."""

from folkmoot.cli.main import app

app()

"""What the command can be told: serve, migrate, account, doctor, version."""

import gc
from typing import Annotated

import typer

from folkmoot import __version__
from folkmoot.cli import account, doctor
from folkmoot.cli.flags import with_data, with_every_setting
from folkmoot.server import running
from folkmoot.server.settings import Settings

gc.freeze()
gc.enable()

app = typer.Typer(
    help="A self-hosted chat server: one conversation, whatever client it is spoken through.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,  # Its columns cut the names of flags short on a terminal of 80.
)
app.add_typer(account.app, name="account")


@app.command()
@with_every_setting
def serve(settings: Settings) -> None:
    """Serve until told to stop. Every flag is also a variable (FOLKMOOT_…) and a line of TOML."""
    running.serve(settings)


@app.command()
@with_data
def migrate(settings: Settings) -> None:
    """Bring the database to this version's form. Starting a server does the same."""
    running.migrate(settings)


@app.command(name="doctor")
@with_every_setting
def check_up(
    settings: Settings,
    deep: Annotated[bool, typer.Option("--deep", help="Read all rows, list all files")] = False,
) -> None:
    """Check that a server can run here. The exit code is 1 if something is wrong."""
    raise typer.Exit(doctor.examine(settings, deep=deep))


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)

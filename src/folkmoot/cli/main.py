"""What the command can be told: serve, migrate, account, doctor, version."""

from typing import Annotated

import typer

from folkmoot import __version__
from folkmoot.cli import account, doctor
from folkmoot.cli.exits import Config, Data, Database, plainly, settings_of
from folkmoot.server import running

app = typer.Typer(
    help="A self-hosted chat server: one conversation, whatever client it is spoken through.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(account.app, name="account")


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    data: Data = None,
    database: Database = None,
    demo: Annotated[
        bool | None, typer.Option("--demo", help="Fill an empty database with demo data.")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="How many processes serve.")] = None,
    config: Config = None,
) -> None:
    """Serve until told to stop. Every setting is also a FOLKMOOT_* variable."""
    with plainly():
        running.serve(
            settings_of(
                config,
                host=host,
                port=port,
                data=data,
                database=database,
                demo=demo,
                workers=workers,
            )
        )


@app.command()
def migrate(data: Data = None, database: Database = None, config: Config = None) -> None:
    """Bring the database to this version's form (starting does the same)."""
    with plainly():
        running.migrate(settings_of(config, data=data, database=database))


@app.command(name="doctor")
def check_up(data: Data = None, database: Database = None, config: Config = None) -> None:
    """Check settings, database, clock and open-file limit; exit code 1 if something is wrong."""
    with plainly():
        settings = settings_of(config, data=data, database=database)
        raise typer.Exit(doctor.examine(settings))


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)

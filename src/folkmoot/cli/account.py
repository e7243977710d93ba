"""`folkmoot account`: making accounts and changing what they may do; a server may be running."""

from typing import Annotated

import typer

from folkmoot.cli.exits import Config, Data, Database, plainly, settings_of
from folkmoot.cli.secrets import FromStdin, Password, password_of
from folkmoot.core.accounts.model import Role
from folkmoot.server import control_socket

app = typer.Typer(help="Make accounts, and change what they may do.", no_args_is_help=True)

Username = Annotated[str, typer.Argument(help="The account's username.")]


@app.command()
def create(
    context: typer.Context,
    username: Username,
    email: Annotated[str, typer.Option(help="The account's e-mail address.")],
    password: Password = None,
    password_stdin: FromStdin = False,
    role: Annotated[Role, typer.Option(help="What it may do.")] = Role.USER,
    full_name: Annotated[str, typer.Option(help="The name that others see.")] = "",
    data: Data = None,
    database: Database = None,
    config: Config = None,
) -> None:
    """Make an account."""
    with plainly():
        settings = settings_of(config, data=data, database=database)
        said = control_socket.run(
            settings,
            "create",
            username=username,
            email=email,
            password=password_of(context, password, from_stdin=password_stdin),
            role=role.value,
            full_name=full_name,
        )
        typer.echo(said)


@app.command()
def role(
    username: Username,
    new_role: Annotated[Role, typer.Argument(help="What it may do from now on.")],
    data: Data = None,
    database: Database = None,
    config: Config = None,
) -> None:
    """Give an account another role; its logins end."""
    with plainly():
        settings = settings_of(config, data=data, database=database)
        typer.echo(control_socket.run(settings, "role", username=username, role=new_role.value))


@app.command()
def deactivate(
    username: Username, data: Data = None, database: Database = None, config: Config = None
) -> None:
    """Switch an account off; its logins end."""
    with plainly():
        settings = settings_of(config, data=data, database=database)
        typer.echo(control_socket.run(settings, "deactivate", username=username))


@app.command()
def password(
    context: typer.Context,
    username: Username,
    password: Password = None,
    password_stdin: FromStdin = False,
    data: Data = None,
    database: Database = None,
    config: Config = None,
) -> None:
    """Give an account another password; its logins end."""
    with plainly():
        settings = settings_of(config, data=data, database=database)
        new = password_of(context, password, from_stdin=password_stdin)
        typer.echo(control_socket.run(settings, "password", username=username, password=new))

"""`folkmoot account`: making accounts, looking at them and ending them; a server may be running."""

import json
from typing import Annotated, Any

import typer

from folkmoot.cli.flags import with_data
from folkmoot.cli.secrets import FromStdin, Password, password_of
from folkmoot.core.accounts.model import Role
from folkmoot.server import control_socket
from folkmoot.server.account_commands import PAGE, ControlAnswer
from folkmoot.server.settings import Settings

app = typer.Typer(help="Make accounts, look at them, and end them.", no_args_is_help=True)

Username = Annotated[str, typer.Argument(help="The account's username.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer for programs, in JSON.")]
HEADINGS = ("number", "username", "role", "state", "e-mail", "since")


@app.command()
@with_data
def create(
    settings: Settings,
    context: typer.Context,
    username: Username,
    email: Annotated[str, typer.Option(help="The account's e-mail address.")],
    password: Password = None,
    password_stdin: FromStdin = False,
    role: Annotated[Role, typer.Option(help="What it may do.")] = Role.USER,
    full_name: Annotated[str, typer.Option(help="The name that others see.")] = "",
    as_json: AsJson = False,
) -> None:
    """Make an account."""
    answer = control_socket.run(
        settings,
        "create",
        username=username,
        email=email,
        password=password_of(context, password, from_stdin=password_stdin),
        role=role.value,
        full_name=full_name,
    )
    _say(answer, as_json=as_json)


@app.command(name="list")
@with_data
def show_all(
    settings: Settings,
    role: Annotated[Role | None, typer.Option(help="Only accounts of this role.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the accounts, by their numbers."""
    wanted, found, after = role.value if role else "", [], 0
    while True:
        page = control_socket.run(settings, "list", after=str(after), role=wanted).data
        found += page
        if len(page) < PAGE:
            break
        after = page[-1]["id"]
    rows = [HEADINGS, *(_row(account) for account in found)]
    typer.echo(json.dumps(found, indent=2) if as_json else _table(rows))


@app.command()
@with_data
def role(
    settings: Settings,
    username: Username,
    new_role: Annotated[Role, typer.Argument(help="What it may do from now on.")],
    as_json: AsJson = False,
) -> None:
    """Give an account another role; its logins end."""
    answer = control_socket.run(settings, "role", username=username, role=new_role.value)
    _say(answer, as_json=as_json)


@app.command()
@with_data
def deactivate(settings: Settings, username: Username, as_json: AsJson = False) -> None:
    """Switch an account off. Its logins end; sessions it served wait for somebody else."""
    _say(control_socket.run(settings, "deactivate", username=username), as_json=as_json)


@app.command()
@with_data
def activate(settings: Settings, username: Username, as_json: AsJson = False) -> None:
    """Switch an account on again; it has to log in anew."""
    _say(control_socket.run(settings, "activate", username=username), as_json=as_json)


@app.command()
@with_data
def delete(
    settings: Settings,
    username: Username,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether this is meant.")] = False,
    as_json: AsJson = False,
) -> None:
    """End an account for good. Its name, address, password, friends and groups go.

    What it wrote stays where it was said, under the name of nobody.
    """
    if not yes:
        typer.confirm(f"Delete {username}? This cannot be undone", abort=True, err=True)
    _say(control_socket.run(settings, "delete", username=username), as_json=as_json)


@app.command()
@with_data
def logins(
    settings: Settings,
    username: Username,
    end: Annotated[bool, typer.Option("--end", help="End them all; its sockets close.")] = False,
    as_json: AsJson = False,
) -> None:
    """List where an account is logged in, or end that."""
    command = "end_logins" if end else "logins"
    answer = control_socket.run(settings, command, username=username)
    _say(answer, as_json=as_json)
    if not as_json and not end and answer.data:
        rows = [
            (one["id"], _day(one["created_at"]), _day(one["expires_at"])) for one in answer.data
        ]
        typer.echo(_table([("login", "since", "until"), *rows]))


@app.command()
@with_data
def email(
    settings: Settings,
    username: Username,
    address: Annotated[str, typer.Argument(help="The new e-mail address.")],
    as_json: AsJson = False,
) -> None:
    """Give an account another e-mail address, which you vouch for."""
    answer = control_socket.run(settings, "email", username=username, email=address)
    _say(answer, as_json=as_json)


@app.command()
@with_data
def password(
    settings: Settings,
    context: typer.Context,
    username: Username,
    password: Password = None,
    password_stdin: FromStdin = False,
    as_json: AsJson = False,
) -> None:
    """Give an account another password; its logins end."""
    new = password_of(context, password, from_stdin=password_stdin)
    answer = control_socket.run(settings, "password", username=username, password=new)
    _say(answer, as_json=as_json)


def _say(answer: ControlAnswer, *, as_json: bool) -> None:
    typer.echo(json.dumps(answer.data, indent=2) if as_json else answer.said)


def _row(account: dict[str, Any]) -> tuple[str, ...]:
    state = "active" if account["is_active"] else "deactivated"
    return (
        str(account["id"]),
        account["username"],
        account["role"],
        "deleted" if account["is_deleted"] else state,
        "" if account["is_deleted"] else account["email"],
        _day(account["created_at"]),
    )


def _day(at: str) -> str:
    """A time, to the minute."""
    return at[:16].replace("T", " ")


def _table(rows: list[tuple[str, ...]]) -> str:
    """Rows under each other, their columns as wide as they need."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    return "\n".join(lines)

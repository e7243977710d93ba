"""Where a command gets a secret from, and what it says where others can read it too."""

import sys
from typing import Annotated

import typer

from folkmoot.cli.exits import warn
from folkmoot.server.errors import StartRefused

FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password, one line, from standard input.")
]
Password = Annotated[
    str | None,
    typer.Option(
        envvar="FOLKMOOT_ACCOUNT_PASSWORD",
        help="The password; asked for if not given. As a flag, others can read it.",
    ),
]
MAX_CHARS = 100_000


def warn_of_flag(flag: str, instead: str) -> None:
    """Say that a secret was given where it does not stay one."""
    warn(
        f"{flag} on the command line can be read by whoever lists the processes of this machine, "
        f"and stays in the shell's history: {instead}."
    )


def password_of(context: typer.Context, given: str | None, *, from_stdin: bool) -> str:
    """The password of an account: given, piped, or asked for twice without being shown.

    Raises:
        StartRefused: there is none.
    """
    source = context.get_parameter_source("password")
    is_flag = source is not None and source.name == "COMMANDLINE"
    if from_stdin:
        if is_flag:
            raise StartRefused("Either --password or --password-stdin: not both.")
        line = sys.stdin.readline(MAX_CHARS).removesuffix("\n").removesuffix("\r")
        if not line:
            raise StartRefused("There is no password on standard input.")
        return line
    if given is not None:
        if is_flag:
            warn_of_flag("--password", "leave it out to be asked, or pipe it to --password-stdin")
        return given
    asked: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return asked

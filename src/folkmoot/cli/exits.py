"""What all commands share: their common options, and how they end when something is wrong."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from pydantic_settings import SettingsError
from rich.console import Console

from folkmoot.core.shared.refusals import Refusal, Unavailable
from folkmoot.server.control_socket import told
from folkmoot.server.errors import StartRefused
from folkmoot.server.settings import SETTINGS_FILE, Settings, load_settings

_errors = Console(stderr=True, soft_wrap=True, markup=False, highlight=False)

Config = Annotated[
    Path | None, typer.Option(help="TOML file with settings.", exists=True, dir_okay=False)
]


def warn(sentence: str) -> None:
    """Say something beside what the command says."""
    _errors.print(f"folkmoot: {sentence}")


@contextmanager
def plainly() -> Iterator[None]:
    """End the command with one sentence, and exit code 1, for whatever can be expected to fail."""
    try:
        yield
    except (StartRefused, Refusal, Unavailable) as error:
        _errors.print(f"folkmoot: {told(error)}")
        raise typer.Exit(1) from None


def settings_of(config: Path | None, **flags: Any) -> Settings:
    """The settings of this command.

    Raises:
        StartRefused: one has a value that it cannot have; the sentence names it.
    """
    try:
        return load_settings(config, **flags)
    except TOMLDecodeError as error:
        raise StartRefused(
            f"The settings file {config or SETTINGS_FILE} is not TOML: {error}."
        ) from None
    except SettingsError as error:
        raise StartRefused(f"A setting cannot be read: {error}.") from None
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'settings'}: {fault['msg'].rstrip('.')}"
            for fault in error.errors(include_url=False, include_input=False)
        ).replace(": Value error, ", ": ")
        raise StartRefused(f"A setting is wrong: {faults}.") from None

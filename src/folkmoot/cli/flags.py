"""Every setting as a flag of the same name: made from the settings, so that none is forgotten."""

import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import typer
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from folkmoot.cli.exits import Config, plainly, settings_of
from folkmoot.cli.secrets import warn_of_flag
from folkmoot.server.errors import StartRefused
from folkmoot.server.settings import Settings

_PLAIN: dict[Any, Any] = {kind: kind | None for kind in (bool, int, float, Path)}


def with_every_setting(command: Callable[..., None]) -> Callable[..., None]:
    """The command as typer is to see it: a flag for every setting, and one for the file.

    What it takes besides ``settings`` are flags of its own.
    """
    return _with_settings(command, Settings.model_fields)


def with_data(command: Callable[..., None]) -> Callable[..., None]:
    """The same for a command that asks no more than where the data are."""
    return _with_settings(command, ("data", "database"))


def _with_settings(command: Callable[..., None], names: Iterable[str]) -> Callable[..., None]:
    _, *own = inspect.signature(command).parameters.values()

    def flagged(*, config: Path | None, **given: Any) -> None:
        with plainly():
            options = {one.name: given.pop(one.name) for one in own}
            flags = {name: _read(name, value) for name, value in given.items()}
            _warn_of_secrets(flags)
            command(settings_of(config, **flags), **options)

    flags = {name: _flag_of(Settings.model_fields[name]) for name in names}
    flags["config"] = Config
    flagged.__annotations__ = flags | {one.name: one.annotation for one in own}
    flagged.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # what inspect reads
        [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own]
        + [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=flag)
            for name, flag in flags.items()
        ]
    )
    flagged.__name__ = command.__name__
    flagged.__doc__ = command.__doc__
    return flagged


def _warn_of_secrets(flags: Mapping[str, Any]) -> None:
    """Say of each secret among the flags that it does not stay one there."""
    for name, value in flags.items():
        if value is not None and SecretStr in get_args(Settings.model_fields[name].annotation):
            flag, variable = name.replace("_", "-"), f"FOLKMOOT_{name.upper()}"
            warn_of_flag(f"--{flag}", f"give it in {variable} or in the settings file")


def _flag_of(field: FieldInfo) -> Any:
    """The flag of a setting; what a value may be is the settings' affair, whichever way it came."""
    kind, metavar = field.annotation, None
    if get_origin(kind) is Literal:
        metavar = f"<{'|'.join(get_args(kind))}>"
    option = typer.Option(help=field.description, show_default=_default_of(field), metavar=metavar)
    return Annotated[_PLAIN.get(kind, str | None), option]


def _default_of(field: FieldInfo) -> str | bool:
    """What stands in the help; nothing where the description says it."""
    if isinstance(field.default, bool):
        return "on" if field.default else "off"
    return str(field.default) if field.default not in (None, "", []) else False


def _read(name: str, value: Any) -> Any:
    """A flag's value; of a setting that has parts, given as JSON as in its variable."""
    field = Settings.model_fields[name]
    if value is None or get_origin(field.annotation) is not list or field.metadata:
        return value
    try:
        return json.loads(value)
    except ValueError:
        flag = name.replace("_", "-")
        raise StartRefused(f"A setting cannot be read: --{flag} has to be JSON.") from None

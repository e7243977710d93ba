"""The OpenAPI document, generated from the types that the wire is made of."""

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from msgspec import Struct

from folkmoot import __version__
from folkmoot.core.accounts.errors import AccountInactive
from folkmoot.core.shared.refusals import StorageFull, Unavailable
from folkmoot.kit.bodies import SETTING
from folkmoot.kit.rest import NAMES, refusals
from folkmoot.wire.json_numbers import whole

SCHEMA_REF = "#/components/schemas/{name}"
_REFUSAL = {"$ref": SCHEMA_REF.format(name="RefusalOut")}

DESCRIPTION = """\
One conversation, whatever client it is spoken through.

Log in with `POST /auth/token`, and send the token as `Authorization: Bearer …`. The live side of
each contract is described in the [AsyncAPI document](/asyncapi).
"""


class DocumentPage:
    """A page that is made for the first who asks for it, and only then.

    On a thread, because it takes longer than those in the event loop should wait for.
    """

    def __init__(self, make: Callable[[], bytes]) -> None:
        self._make = make
        self._content: bytes | None = None
        self._making = asyncio.Lock()

    async def content(self) -> bytes:
        """All of the page; however many ask at once, it is made once."""
        async with self._making:
            if self._content is None:
                self._content = await asyncio.to_thread(self._make)
        return self._content


def openapi_of(
    app: FastAPI,
    answers: Sequence[type[Struct]],
    settings: Mapping[str, int] = MappingProxyType({}),
) -> dict[str, Any]:
    """The OpenAPI document; the schemas of ``answers`` are made from their types.

    ``settings`` are the lengths of texts that the operator has set, by their names.
    """
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title,
            version=__version__,
            summary="A self-hosted chat server",
            description=DESCRIPTION,
            routes=app.routes,
            tags=app.openapi_tags,
        )
        document: dict[str, Any] = whole(made)  # FastAPI writes every bound as a float.
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas.update(schemas_of(answers))
        _show_our_refusals(document)
        _show_what_the_edge_says(document)
        _show_what_passes(document)
        _show_settings(schemas, settings)
        _show_defaults(document)
        _show_links(document)
        app.openapi_schema = document
    return app.openapi_schema


def _show_our_refusals(document: dict[str, Any]) -> None:
    """Put the form of our refusals where FastAPI has described its own."""
    theirs, ours = SCHEMA_REF.format(name="HTTPValidationError"), {"schema": _REFUSAL}
    for item in document["paths"].values():
        for operation in item.values():
            content = operation["responses"].get("422", {}).get("content", {})
            if content.get("application/json", {}).get("schema", {}).get("$ref") == theirs:
                content["application/json"] = ours
    for name in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)


def _show_what_passes(document: dict[str, Any]) -> None:
    """Say of every operation that asks the database that it may be away, or its disk full."""
    for item in document["paths"].values():
        for method, operation in item.items():
            responses = operation["responses"]
            if responses.keys() & {"401", "429"}:
                responses.setdefault("503", _refused("Not now", Unavailable()))
                if method != "get":
                    responses.setdefault("507", _refused("No room to store it", StorageFull()))


def _show_what_the_edge_says(document: dict[str, Any]) -> None:
    """Say of every operation what it can be answered before it is reached."""
    for _, operation in _operations_of(document):
        kinds = operation.get("requestBody", {}).get("content", {})
        statuses = {422, 429} if "health" not in operation["tags"] else set()
        statuses |= {403} if operation.get("security") else set()
        statuses |= {413} if kinds else set()
        statuses |= {400} if kinds.keys() - {"application/json"} else set()
        for status, described in refusals(*sorted(statuses), such_as=_INACTIVE).items():
            operation["responses"].setdefault(str(status), described)


_INACTIVE = {403: AccountInactive()}


def _show_settings(part: Any, settings: Mapping[str, int]) -> None:
    """Put the lengths that are set where a schema names the setting."""
    if isinstance(part, dict):
        setting = part.pop(SETTING, None)
        if setting in settings:
            part["maxLength"] = settings[setting]
    for child in part.values() if isinstance(part, dict) else part:
        if isinstance(child, dict | list):
            _show_settings(child, settings)


def _show_defaults(document: dict[str, Any]) -> None:
    """Say in words what a field of a body counts as where it is left out.

    A ``default`` has generators of types take the field for one that is always there.
    """
    schemas = document["components"]["schemas"]
    bodies = {name for _, operation in _operations_of(document) for name in _bodies_of(operation)}
    for name in bodies:
        for field in schemas[name].get("properties", {}).values():
            if "default" in field:
                left_out = f"`{msgspec.json.encode(field.pop('default')).decode()}` if left out"
                said = field.get("description")
                field["description"] = f"{said}; {left_out}" if said else left_out


def _bodies_of(operation: dict[str, Any]) -> Iterator[str]:
    for content in operation.get("requestBody", {}).get("content", {}).values():
        for one in content["schema"].get("anyOf", [content["schema"]]):
            if "$ref" in one:
                yield one["$ref"].rsplit("/", 1)[1]


def _show_links(document: dict[str, Any]) -> None:
    """Lead from each answer to the operations of its tag whose parameters it names."""
    operations = list(_operations_of(document))
    for _, operation in operations:
        for response in operation["responses"].values():
            names: dict[str, str] = response.pop(NAMES, {})
            links = {
                target["operationId"]: _link(target, wanted, names)
                for path, target in operations
                if target["tags"] == operation["tags"]
                and (wanted := set(_PARAMETER.findall(path)))
                and wanted <= names.keys()
            }
            if links:
                response["links"] = links


_PARAMETER = re.compile(r"\{([^}]+)\}")


def _link(target: dict[str, Any], wanted: set[str], names: Mapping[str, str]) -> dict[str, Any]:
    parameters = {name: f"$response.body#/{names[name]}" for name in sorted(wanted)}
    return {"operationId": target["operationId"], "parameters": parameters}


def _operations_of(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for operation in item.values():
            yield path, operation


def _refused(description: str, fault: Unavailable) -> dict[str, Any]:
    example = {
        "detail": str(fault),
        "code": fault.code,
        "passing": True,
        "retry_after": fault.retry_after,
    }
    content = {"application/json": {"schema": _REFUSAL, "example": example}}
    return {
        "description": f"{description}; `Retry-After` says when to try again",
        "content": content,
    }


def schemas_of(shapes: Iterable[type[Struct]]) -> dict[str, Any]:
    """The schemas of these types and of all that they are made of, by their names."""
    _, components = msgspec.json.schema_components(
        list(dict.fromkeys(shapes)), ref_template=SCHEMA_REF
    )
    return dict(components)

"""The AsyncAPI document, generated from the types that the frames are made of."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from msgspec import Struct

from folkmoot import __version__
from folkmoot.auth.credentials import COOKIE
from folkmoot.kit.socket_spec import TOKEN_QUERY, SocketSpec
from folkmoot.server.http.documents import SCHEMA_REF, schemas_of

_NAME: Final = "x-parser-schema-id"
"""Where the parsers of AsyncAPI look for the name of a schema that stands within another."""

_HOST: Final = {
    "default": "localhost:8000",
    "description": "Where the server is reached, by name and port",
}
_SECURITY: Final = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "`Authorization: Bearer …`; a page says the subprotocols `bearer, <token>`",
    },
    **{
        name: {"type": "httpApiKey", "in": "query", "name": name, "description": meaning}
        for name, meaning in TOKEN_QUERY.items()
    },
    "cookie": {
        "type": "httpApiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "The login cookie, set where a login asks for it; `Origin` must be allowed",
    },
}


def asyncapi_of(title: str, specs: Sequence[SocketSpec]) -> dict[str, Any]:
    """The AsyncAPI 3 document of every contract's socket, seen from the server.

    Every schema in it has a name, those within others too, for generators of types.
    """
    shapes = [shape for spec in specs for shape in _shapes_of(spec)]
    schemas = schemas_of(shapes)
    for spec in specs:
        schemas |= {name: _tagged(spec, tag, schemas) for name, tag in _tagged_names(spec)}
    for spec in specs:
        if spec.tag_field is not None:
            for shape in spec.inbound.values():
                schemas.pop(shape.__name__, None)
    document = {
        "asyncapi": "3.0.0",
        "info": {
            "title": title,
            "version": __version__,
            "description": "What is said on the sockets of this server, in both directions.",
        },
        "defaultContentType": "application/json",
        "servers": {
            "plain": _server("ws", "As the server listens by itself"),
            "encrypted": _server("wss", "Behind a proxy that speaks TLS"),
        },
        "channels": {spec.name: _channel(spec) for spec in specs},
        "operations": {name: operation for spec in specs for name, operation in _operations(spec)},
        "components": {
            "schemas": schemas,
            "messages": {name: message for spec in specs for name, message in _messages(spec)},
            "securitySchemes": _SECURITY,
        },
    }
    _name_all(document)
    return document


def _shapes_of(spec: SocketSpec) -> Iterator[type[Struct]]:
    yield from (shape for _, shape in spec.said)
    yield from spec.inbound.values()


def _server(protocol: str, description: str) -> dict[str, Any]:
    security = [{"$ref": f"#/components/securitySchemes/{name}"} for name in _SECURITY]
    return {
        "host": "{host}",
        "protocol": protocol,
        "description": description,
        "variables": {"host": dict(_HOST)},
        "security": security,
    }


def _channel(spec: SocketSpec) -> dict[str, Any]:
    names = [name for name, _ in _messages(spec)]
    query = {name: {"type": "string", "description": text} for name, text in spec.query.items()}
    binding = {"type": "object", "properties": query}
    return {
        "address": spec.address,
        "summary": spec.summary,
        "description": _close_codes(spec),
        "parameters": {name: {"description": meaning} for name, meaning in spec.parameters.items()},
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {"ws": {"method": "GET", "query": binding, "bindingVersion": "0.1.0"}},
    }


def _close_codes(spec: SocketSpec) -> str:
    rows = [f"- `{code}`: {meaning}" for code, meaning in sorted(spec.close_codes.items())]
    return "Close codes:\n\n" + "\n".join(rows)


def _operations(spec: SocketSpec) -> Iterable[tuple[str, dict[str, Any]]]:
    channel = {"$ref": f"#/channels/{spec.name}"}
    for action, tags, prefix in (
        ("receive", list(spec.inbound), "client"),
        ("send", [tag for tag, _ in spec.said], "server"),
    ):
        references = [
            {"$ref": f"#/channels/{spec.name}/messages/{spec.name}.{prefix}.{tag}"} for tag in tags
        ]
        summary = "What a client may send" if action == "receive" else "What the server sends"
        yield (
            f"{spec.name}.{action}",
            {"action": action, "channel": channel, "summary": summary, "messages": references},
        )


def _messages(spec: SocketSpec) -> Iterable[tuple[str, dict[str, Any]]]:
    for tag, shape in spec.inbound.items():
        name = shape.__name__ if spec.tag_field is None else _name_of(spec, tag)
        yield f"{spec.name}.client.{tag}", _message(tag, shape, name)
    for tag, shape in spec.said:
        yield f"{spec.name}.server.{tag}", _message(tag, shape, shape.__name__)


def _message(tag: str, shape: type[Struct], schema: str) -> dict[str, Any]:
    return {
        "name": tag,
        "title": tag,
        "summary": (shape.__doc__ or "").strip(),
        "contentType": "application/json",
        "payload": {"$ref": SCHEMA_REF.format(name=schema)},
    }


def _tagged_names(spec: SocketSpec) -> Iterator[tuple[str, str]]:
    """What the frames of clients are called as schemas, each with its tag."""
    if spec.tag_field is not None:
        for tag in spec.inbound:
            yield _name_of(spec, tag), tag


def _name_of(spec: SocketSpec, tag: str) -> str:
    return f"{_as_type(spec.name)}Client{_as_type(tag)}"


def _tagged(spec: SocketSpec, tag: str, schemas: dict[str, Any]) -> dict[str, Any]:
    """The schema of a client's frame: its own fields, and the one that says which frame it is."""
    shape = schemas[spec.inbound[tag].__name__]
    required = list(shape.get("required", ()))
    if tag != spec.untagged:
        required = [spec.tag_field, *required]
    said = {spec.tag_field: {"type": "string", "const": tag}}
    return {
        **shape,
        "title": _name_of(spec, tag),
        "properties": {**said, **shape.get("properties", {})},
        "required": required,
    }


def _name_all(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        document["components"]["schemas"][name] = _named(schema, name, is_component=True)
    for name, channel in document["channels"].items():
        binding = channel["bindings"]["ws"]
        binding["query"] = _named(binding["query"], f"{_as_type(name)}Query")


def _named(schema: dict[str, Any], name: str, *, is_component: bool = False) -> dict[str, Any]:
    """The schema, and all that stands in it, under names; a mapping of tags is only OpenAPI's."""
    if "$ref" in schema:
        return schema
    named = {key: part for key, part in schema.items() if key != "discriminator"}
    if not is_component:
        named[_NAME] = name
    if "properties" in named:
        named["properties"] = {
            field: _named(part, f"{name}{_as_type(field)}")
            for field, part in named["properties"].items()
        }
    for key in ("items", "additionalProperties"):
        if isinstance(named.get(key), dict):
            named[key] = _named(named[key], f"{name}{'Item' if key == 'items' else 'Value'}")
    if "anyOf" in named:
        options = enumerate(named["anyOf"], 1)
        named["anyOf"] = [_named(part, f"{name}Option{number}") for number, part in options]
    return named


def _as_type(name: str) -> str:
    """A name as types are called: ``message_edited`` is ``MessageEdited``."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", name))

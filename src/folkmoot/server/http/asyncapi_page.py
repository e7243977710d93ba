"""The AsyncAPI document as a page for people: plain HTML, no script."""

import re
from html import escape
from typing import Any

import msgspec


def page_of(document: dict[str, Any]) -> str:
    """The document as one HTML page."""
    title = escape(document["info"]["title"])
    channels = "\n".join(_channel(document, name) for name in document["channels"])
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: sockets</title>
<link rel="stylesheet" href="/static/documents.css">
</head>
<body>
<main>
<h1>{title}: what is said on the sockets</h1>
<p>Generated from the types that the frames are made of. For programs:
<a href="/asyncapi.json">asyncapi.json</a>. The REST side: <a href="/docs">/docs</a>.</p>
{channels}
</main>
</body>
</html>
"""


def _channel(document: dict[str, Any], name: str) -> str:
    channel = document["channels"][name]
    query = channel["bindings"]["ws"]["query"]["properties"]
    parts = [
        f"<section><h2 id='{escape(name)}'>{escape(name)}</h2>",
        f"<p><code>{escape(channel['address'])}</code></p><p>{_prose(channel['summary'])}</p>",
        "<h3>In the query</h3>",
        _terms({key: value["description"] for key, value in query.items()}),
        f"<h3>Close codes</h3>{_close_codes(channel['description'])}",
    ]
    for operation in document["operations"].values():
        if operation["channel"]["$ref"].endswith(f"/{name}"):
            parts.append(f"<h3>{escape(operation['summary'])}</h3>")
            parts += [_message(document, reference["$ref"]) for reference in operation["messages"]]
    return "\n".join([*parts, "</section>"])


def _close_codes(description: str) -> str:
    rows = [line[2:].split(": ", 1) for line in description.splitlines() if line.startswith("- ")]
    return _terms({code.strip("`"): meaning for code, meaning in rows})


def _prose(text: str) -> str:
    """A sentence, what stands in backticks in it as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _terms(terms: dict[str, str]) -> str:
    rows = "".join(
        f"<dt><code>{escape(term)}</code></dt><dd>{_prose(meaning)}</dd>"
        for term, meaning in terms.items()
    )
    return f"<dl>{rows}</dl>"


def _message(document: dict[str, Any], reference: str) -> str:
    message = document["components"]["messages"][reference.rsplit("/", 1)[1]]
    schema = message["payload"]
    shape = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    required = set(shape.get("required", ()))
    rows = "".join(
        f"<tr><th scope='row'><code>{escape(field)}</code></th><td>{escape(_kind(kind))}</td>"
        f"<td>{'always' if field in required else 'optional'}</td></tr>"
        for field, kind in shape.get("properties", {}).items()
        if not kind.keys() & {"enum", "const"}
    )
    table = (
        "<table><thead><tr><th scope='col'>field</th><th scope='col'>type</th>"
        f"<th scope='col'>present</th></tr></thead><tbody>{rows}</tbody></table>"
    )
    return (
        f"<details><summary><code>{escape(message['name'])}</code> "
        f"{_prose(message['summary'])}</summary>{table if rows else ''}</details>"
    )


def _kind(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_kind(part) for part in schema["anyOf"])
    if "$ref" in schema:
        return str(schema["$ref"].rsplit("/", 1)[1])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("type") or msgspec.json.encode(schema).decode())

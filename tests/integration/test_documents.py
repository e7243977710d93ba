"""The OpenAPI and AsyncAPI documents that a real server shows."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import httpx2
import pytest

from folkmoot.contracts.catalogue import CONTRACTS
from tests.running import Server

SPECS = [spec for contract in CONTRACTS for spec in contract.specs]

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def openapi(shared_server: Server) -> dict[str, Any]:
    return httpx2.get(f"{shared_server.url}/openapi.json").raise_for_status().json()


@pytest.fixture(scope="module")
def asyncapi(shared_server: Server) -> dict[str, Any]:
    return httpx2.get(f"{shared_server.url}/asyncapi.json").raise_for_status().json()


def references(part: Any) -> Iterator[str]:
    """Every ``$ref`` in a document."""
    children = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    if isinstance(part, dict) and isinstance(part.get("$ref"), str):
        yield part["$ref"]
    for child in children:
        yield from references(child)


def resolved(document: dict[str, Any], reference: str) -> Any:
    """What a reference within the document points to."""
    assert reference.startswith("#/"), reference
    part = document
    for step in reference[2:].split("/"):
        part = part[unquote(step).replace("~1", "/").replace("~0", "~")]
    return part


def operations(openapi: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in openapi["paths"].items():
        for method, operation in item.items():
            if method in METHODS:
                yield f"{method.upper()} {path}", operation


def test_every_reference_in_the_openapi_document_leads_somewhere(openapi):
    assert openapi["openapi"].startswith("3.1")
    for reference in set(references(openapi)):
        assert resolved(openapi, reference)


def test_every_route_says_what_it_is_for(openapi):
    for name, operation in operations(openapi):
        assert operation["summary"], name
        assert operation["description"], name
        assert operation["tags"], name
    ids = [operation["operationId"] for _, operation in operations(openapi)]
    assert len(ids) == len(set(ids))


def test_every_parameter_says_what_it_means(openapi):
    for name, operation in operations(openapi):
        for parameter in operation.get("parameters", []):
            assert parameter.get("description"), f"{name}: {parameter['name']}"


def test_every_route_shows_what_success_looks_like(openapi):
    for name, operation in operations(openapi):
        answers = [of for status, of in operation["responses"].items() if status.startswith("2")]
        assert answers, name
        if "204" in operation["responses"]:
            continue
        for answer in answers:
            for content in answer["content"].values():
                assert content.get("schema"), f"{name} answers with anything"


def test_every_route_that_takes_or_needs_something_says_how_it_refuses(openapi):
    for name, operation in operations(openapi):
        responses = operation["responses"]
        if operation.get("security"):
            assert "401" in responses, name
        if operation.get("requestBody"):
            assert "422" in responses, name
        if "{" in name:
            assert "404" in responses, name
            # A file that is somebody else's looks like one that is not there.
            assert "403" in responses or "/files/" in name, name
        for status, answer in responses.items():
            if status.startswith("4"):
                assert answer["description"], f"{name} {status}"
                assert references(answer), f"{name} {status}"


def test_refusals_are_described_in_the_form_that_they_have(openapi):
    for name, operation in operations(openapi):
        for status, answer in operation["responses"].items():
            # What no byte of the file is in has none of ours, but the file's size.
            if status.startswith("4") and status != "416":
                found = {one.rsplit("/", 1)[1] for one in references(answer)}
                assert "RefusalOut" in found, f"{name} {status}: {found}"


def test_every_route_that_asks_the_database_says_that_it_may_be_away(openapi):
    for name, operation in operations(openapi):
        responses = operation["responses"]
        if not responses.keys() & {"401", "429"}:
            continue
        said = responses["503"]["content"]["application/json"]["example"]
        assert (said["code"], said["passing"]) == ("unavailable", True), name
        assert ("507" in responses) == (not name.startswith("GET")), name


def test_refusals_and_bodies_of_the_first_contract_come_with_examples(openapi):
    without = []
    for name, operation in operations(openapi):
        if " /conversations" not in name and " /auth" not in name:
            continue
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if body and "examples" not in resolved(openapi, body["schema"]["$ref"]):
            without.append(f"{name} body")
        for status in operation["responses"].keys() & {"401", "403", "404", "409", "429"}:
            shown = operation["responses"][status]["content"]["application/json"]
            if not shown.keys() & {"example", "examples"}:
                without.append(f"{name} {status}")
    assert without == []


def test_the_bodies_of_requests_are_described_field_by_field(openapi):
    for name, operation in operations(openapi):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            schema = content["schema"]
            for one in schema.get("anyOf", [schema]):
                shape = resolved(openapi, one["$ref"]) if "$ref" in one else one
                assert shape.get("properties") or shape == {"type": "null"}, name


def test_every_reference_in_the_asyncapi_document_leads_somewhere(asyncapi):
    found = set(references(asyncapi))
    assert found
    for reference in found:
        assert resolved(asyncapi, reference)


def test_the_asyncapi_document_has_every_part_that_its_version_demands(asyncapi):
    assert asyncapi["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= asyncapi["info"].keys()
    for name, channel in asyncapi["channels"].items():
        assert channel["address"].startswith("/"), name
        parameters = {f"{{{parameter}}}" for parameter in channel.get("parameters", {})}
        assert all(parameter in channel["address"] for parameter in parameters)
        for message in channel["messages"].values():
            assert resolved(asyncapi, message["$ref"])["payload"]
    for name, operation in asyncapi["operations"].items():
        assert operation["action"] in {"send", "receive"}, name
        channel_name = operation["channel"]["$ref"].rsplit("/", 1)[1]
        for message in operation["messages"]:
            assert message["$ref"].startswith(f"#/channels/{channel_name}/messages/"), name


def test_every_frame_is_described_in_both_directions(asyncapi):
    messages = asyncapi["components"]["messages"]
    names = {f"{spec.name}.client.{tag}" for spec in SPECS for tag in spec.inbound}
    names |= {
        f"{spec.name}.server.{shape.__struct_config__.tag}"
        for spec in SPECS
        for shape in spec.outbound
    }
    names |= {f"{spec.name}.server.{event}" for spec in SPECS for event in spec.events}
    assert names == messages.keys()
    assert all(message["summary"] for message in messages.values())


def test_a_frame_without_a_type_is_described_as_a_message(asyncapi):
    def required(tag: str) -> list[str]:
        payload = asyncapi["components"]["messages"][f"conversations.client.{tag}"]["payload"]
        return resolved(asyncapi, payload["$ref"])["required"]

    assert required("message") == ["content"]
    assert required("edit") == ["type", "message_id", "content"]


def test_the_asyncapi_document_says_where_the_server_is_and_who_may_enter(asyncapi):
    schemes = asyncapi["components"]["securitySchemes"]
    assert {"bearer", "token", "ticket", "cookie"} == schemes.keys()
    assert {one["protocol"] for one in asyncapi["servers"].values()} == {"ws", "wss"}
    for server in asyncapi["servers"].values():
        named = [resolved(asyncapi, one["$ref"]) for one in server["security"]]
        assert named == list(schemes.values())
        assert server["variables"]["host"]["default"]


def test_every_schema_of_the_asyncapi_document_has_a_name_of_its_own(asyncapi):
    names = list(asyncapi["components"]["schemas"])
    for message in asyncapi["components"]["messages"].values():
        assert message["payload"].keys() == {"$ref"}
    for schema in asyncapi["components"]["schemas"].values():
        names += [part["x-parser-schema-id"] for part in parts_of(schema) if "$ref" not in part]
    assert "discriminator" not in str(asyncapi)
    assert len(names) == len(set(names))
    assert all(name[0].isupper() and name.isalnum() for name in names)


def parts_of(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every schema that stands within another."""
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", [])]
    inner += [schema[key] for key in ("items", "additionalProperties") if schema.get(key)]
    for part in inner:
        yield part
        yield from parts_of(part)


def schemas_in(part: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Everything in a document that has a keyword of JSON Schema."""
    if isinstance(part, dict):
        for key, child in part.items():
            if isinstance(child, dict) and child.keys() & {"type", "items", "anyOf", "$ref"}:
                yield key, child
            yield from schemas_in(child)
    elif isinstance(part, list):
        for child in part:
            yield from schemas_in({"": child})


def test_every_schema_is_one_that_typed_generators_read(openapi):
    """oapi-codegen and openapi-python-client stop at what has no type of theirs."""
    unread = {"prefixItems", "contains", "if", "$defs", "unevaluatedItems", "dependentSchemas"}
    found = list(schemas_in(openapi))
    assert len(found) > 500
    for name, schema in found:
        assert not schema.keys() & unread, f"{name}: {schema}"
        if schema.get("type") == "array" or "items" in schema:
            assert isinstance(schema.get("items"), dict), f"{name}: {schema}"
            assert schema["items"], f"{name}: {schema}"
        for part in ("anyOf", "oneOf", "allOf"):
            assert all(isinstance(one, dict) and one for one in schema.get(part, [])), name


def test_what_refusals_hold_is_typed(openapi):
    schemas = openapi["components"]["schemas"]
    detail = schemas["RefusalOut"]["properties"]["detail"]["anyOf"]
    assert {"$ref": "#/components/schemas/ProblemOut"} in [one.get("items") for one in detail]
    for name in ("NotUpToDateOut", "DirectNotUpToDateOut", "SessionNotUpToDateOut"):
        missed = schemas[name]["properties"]["missed"]["items"]
        assert len(missed["anyOf"]) > 3
        assert missed["discriminator"]["propertyName"] in {"type", "message_type"}


def test_bodies_are_described_as_strictly_as_they_are_read(openapi):
    schemas = openapi["components"]["schemas"]
    content = schemas["MessageBody"]["properties"]["content"]
    assert (content["minLength"], content["maxLength"]) == (1, 10_000)
    assert schemas["ProfileBody"]["properties"]["email"]["type"] == "string"
    neither = {"email": {"type": "null"}, "username": {"type": "null"}}
    assert schemas["LoginBody"]["not"] == {"properties": neither}
    assert schemas["ReadBody"]["properties"]["up_to_seq"]["maximum"] == 2**53 - 1
    assert "x-" not in str(schemas)


def test_what_a_body_leaves_out_is_not_described_as_always_there(openapi):
    for name, operation in operations(openapi):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            for reference in references(content):
                for field, schema in resolved(openapi, reference).get("properties", {}).items():
                    assert "default" not in schema, f"{name}: {field}"


def test_answers_lead_to_what_can_be_asked_about_them(openapi):
    paths = openapi["paths"]

    def targets(method: str, path: str, status: str) -> set[str]:
        links = paths[path][method]["responses"][status]["links"]
        return {link["operationId"] for link in links.values()}

    def named(method: str, path: str) -> str:
        return paths[path][method]["operationId"]

    files = "/api/v1/chat/files"
    thumbnail = named("get", f"{files}/{{file_id}}/thumbnail")
    assert {named("get", f"{files}/{{file_id}}"), thumbnail} <= targets("post", files, "201")
    requests = "/api/v1/chat/friends/requests"
    accept = named("post", f"{requests}/{{request_id}}/accept")
    assert accept in targets("get", requests, "200")


def test_all_pages_for_people_are_there(shared_server):
    for path in ("/docs", "/asyncapi", "/static/chat.html"):
        answer = httpx2.get(f"{shared_server.url}{path}")
        assert answer.status_code == 200
        assert "text/html" in answer.headers["content-type"]

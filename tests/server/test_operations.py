"""Every operation and frame of every contract has a kind, and none has one that is not there."""

import re

import pytest
from fastapi import FastAPI

from folkmoot.contracts.catalogue import CONTRACTS
from folkmoot.realtime.intentions import IntentionKind
from folkmoot.server.http import health
from folkmoot.server.http.asyncapi import asyncapi_of
from folkmoot.server.http.documents import openapi_of
from folkmoot.server.http.entrance import Operations

KINDS = {name: kind for contract in CONTRACTS for name, kind in contract.operations.items()}
OPERATIONS = Operations(KINDS, frozenset({"/socket.io"}))


def documented() -> list[str]:
    app = FastAPI()
    app.include_router(health.router)
    for contract in CONTRACTS:
        for router, prefix in contract.rest:
            app.include_router(router, prefix=prefix)
    answers = [shape for contract in CONTRACTS for shape in contract.answers]
    paths = openapi_of(app, answers)["paths"]
    return [f"{method.upper()} {path}" for path, item in paths.items() for method in item]


@pytest.mark.parametrize("operation", documented())
def test_every_operation_of_the_openapi_document_has_a_kind(operation: str):
    method, path = re.sub(r"\{[^}]+\}", "x.7", operation).split(" ")

    kind = OPERATIONS.kind_of(method, path)

    assert kind is not IntentionKind.UNKNOWN
    if kind is not IntentionKind.HEALTH:
        assert kind is KINDS[operation]


def test_no_operation_has_a_kind_that_the_document_does_not_know():
    assert KINDS.keys() <= set(documented())


@pytest.mark.parametrize("contract", [one for one in CONTRACTS if one.specs], ids=lambda c: c.name)
def test_every_frame_of_the_asyncapi_document_has_a_kind(contract):
    document = asyncapi_of("x", contract.specs)
    received = {shape for spec in contract.specs for shape in spec.inbound.values()}

    assert sum(one["action"] == "receive" for one in document["operations"].values())
    assert contract.frames.keys() == received


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("GET", "/", IntentionKind.PAGE),
        ("GET", "/static/chat.html", IntentionKind.PAGE),
        ("GET", "/readyz", IntentionKind.HEALTH),
        ("HEAD", "/auth/me", IntentionKind.LOOK),
        ("OPTIONS", "/auth/me", IntentionKind.PAGE),
        ("OPTIONS", "*", IntentionKind.PAGE),
        ("OPTIONS", "/healthz", IntentionKind.HEALTH),
        ("GET", "/socket.io", IntentionKind.TRANSPORT),
        ("POST", "/socket.io", IntentionKind.TRANSPORT),
        ("GET", "/conversations/1/messages", IntentionKind.SESSION_HISTORY),
        ("GET", "/conversations/1/messages/2/3", IntentionKind.UNKNOWN),
        ("TRACE", "/auth/me", IntentionKind.UNKNOWN),
        ("GET", "/auth/me\n", IntentionKind.UNKNOWN),
        ("GET", "/nowhere", IntentionKind.UNKNOWN),
    ],
)
def test_a_request_is_known_by_its_method_and_path(method: str, path: str, kind: IntentionKind):
    assert OPERATIONS.kind_of(method, path) is kind

"""How refusals and faults become HTTP answers: one table for all contracts, by kind of fault."""

import logging
import secrets
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from http import HTTPStatus
from math import ceil
from types import MappingProxyType
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import Scope

from folkmoot.core.shared.refusals import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Refusal,
    StorageFull,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from folkmoot.realtime.request_id import request_id
from folkmoot.server.http.bodies import JSON_INVALID, TOO_LARGE
from folkmoot.server.http.request_ids import HEADER

Overrides = Mapping[str, Mapping[str, int]]
"""By the beginning of a path: the statuses that a contract wants for some codes."""

MAX_PROBLEMS: Final = 50
VALIDATION_FAILED: Final = "validation_failed"

_STATUS_BY_KIND: tuple[tuple[type[Exception], int], ...] = (
    (Invalid, 422),
    (Unauthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (TooMany, 429),
    (StorageFull, 507),
    (Unavailable, 503),
)
_CODES = {404: "not_found", 405: "method_not_allowed", 413: TOO_LARGE}

_log = logging.getLogger(__name__)


def status_of(fault: Refusal | Unavailable, statuses: Mapping[str, int] | None = None) -> int:
    """The HTTP status of a fault: what ``statuses`` says for its code, else that of its kind."""
    if statuses is not None and fault.code in statuses:
        return statuses[fault.code]
    return next(status for kind, status in _STATUS_BY_KIND if isinstance(fault, kind))


def answer_to(
    fault: Refusal | Unavailable,
    statuses: Mapping[str, int] | None = None,
    asked: Container[str] = (),
) -> Response:
    """The answer that tells of a fault: ``detail`` for people, ``code`` for programs.

    ``asked`` are the names in the query: a value that cannot be is there, or in the body.
    """
    status = status_of(fault, statuses)
    detail: object = _clean(str(fault))
    if status == HTTPStatus.UNPROCESSABLE_ENTITY and isinstance(fault, Invalid):
        where = "query" if fault.field in asked else "body"
        detail = [{"type": fault.code, "loc": [where, fault.field], "msg": detail}]
    passing = {}
    if fault.retry_after is not None:
        passing = {"passing": True, "retry_after": round(fault.retry_after, 3)}
    return _answer(status, detail, fault.code, _headers_for(status, fault), passing)


def unknown_method() -> Response:
    """The answer to a method that a path does not have."""
    return _answer(405, HTTPStatus.METHOD_NOT_ALLOWED.phrase, _CODES[405])


def install(app: FastAPI, overrides: Overrides | None = None) -> None:
    """Have every fault of this application answered in the one form.

    ``overrides`` are for contracts whose source documents another status; of several beginnings
    that fit a path, the longest counts. How often each code was
    answered is counted in ``app.state.refusals``.
    """
    by_path = sorted((overrides or {}).items(), key=lambda item: -len(item[0]))
    app.state.refusals = Counter()
    app.state.statuses = by_path
    app.add_exception_handler(Refusal, _on_fault)
    app.add_exception_handler(Unavailable, _on_fault)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_bug)


async def _on_fault(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, Refusal | Unavailable)  # noqa: S101 - installed for these only
    return answer_at(request.app, request.scope, fault, request.query_params)


def answer_at(
    app: FastAPI, scope: Scope, fault: Refusal | Unavailable, asked: Container[str] = ()
) -> Response:
    """The answer that tells of a fault at a path, by the statuses that are wanted there."""
    app.state.refusals[fault.code] += 1
    by_path: Sequence[tuple[str, Mapping[str, int]]] = app.state.statuses
    statuses = next((own for start, own in by_path if scope["path"].startswith(start)), None)
    return answer_to(fault, statuses, asked)


async def _on_invalid(_request: Request, error: Exception) -> Response:
    """FastAPI's list, without what the client sent: it may be a password, or no text at all."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - installed for this only
    problems = [
        {
            "type": str(one["type"]),
            "loc": [part if isinstance(part, int) else _clean(str(part)) for part in one["loc"]],
            "msg": _clean(str(one["msg"])),
        }
        for one in error.errors()[:MAX_PROBLEMS]
    ]
    code = JSON_INVALID if problems and problems[0]["type"] == JSON_INVALID else VALIDATION_FAILED
    return _answer(422, problems, code)


async def _on_http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - installed for this only
    status = error.status_code
    code = _CODES.get(status) or HTTPStatus(status).name.lower()
    if status in {204, 304}:
        return Response(status_code=status, headers=error.headers)
    return _answer(status, _clean(str(error.detail)), code, error.headers)


async def _on_bug(_request: Request, error: Exception) -> Response:
    """Whoever asks learns a number; the log tells by it what happened, and only the log.

    Starlette raises the error again after this, and the server under it logs the traceback.
    """
    number = request_id.get() or secrets.token_hex(8)
    what = {"request_id": number, "error": type(error).__name__}
    _log.error("a request met a fault of ours", extra=what)
    text = f"Something went wrong on our side (request {number})."
    return _answer(500, text, "internal_error", {HEADER: number})


def _headers_for(status: int, fault: Refusal | Unavailable) -> dict[str, str]:
    if status == HTTPStatus.UNAUTHORIZED:
        return {"WWW-Authenticate": "Bearer"}
    if fault.retry_after is not None:
        return {"Retry-After": str(max(1, ceil(fault.retry_after)))}
    return {}


def _answer(
    status: int,
    detail: Any,
    code: str,
    headers: Mapping[str, str] | None = None,
    more: Mapping[str, Any] = MappingProxyType({}),
) -> Response:
    return JSONResponse({"detail": detail, "code": code, **more}, status, headers)


def _clean(text: str) -> str:
    """The text with every half of a surrogate pair replaced, so that it can be sent."""
    return text.encode(errors="replace").decode()

"""Refusals of the account routes as the OpenAPI document shows them, each by its own example."""

from typing import Any

from folkmoot.core.shared.refusals import Invalid, Refusal

_MEANINGS = {
    401: "Nobody knows who asks",
    403: "Known, and not allowed",
    409: "Another account has it",
    422: "A value that can never be right",
    429: "Too many requests; `Retry-After` says in how many seconds to try again",
}


def refused(status: int, *examples: Refusal) -> dict[int | str, dict[str, Any]]:
    """How the refusals of one status are described, with their answers to the letter."""
    answers = {one.code: {"summary": _summary(one), "value": _answer(one)} for one in examples}
    content = {"schema": {"$ref": "#/components/schemas/RefusalOut"}, "examples": answers}
    described = {"description": _MEANINGS[status], "content": {"application/json": content}}
    return {status: described}


def _answer(refusal: Refusal) -> dict[str, Any]:
    if not isinstance(refusal, Invalid):
        return {"detail": str(refusal), "code": refusal.code}
    location = {"type": refusal.code, "loc": ["body", refusal.field], "msg": str(refusal)}
    return {"detail": [location], "code": refusal.code}


def _summary(refusal: Refusal) -> str:
    return (type(refusal).__doc__ or "").strip().partition("\n")[0]

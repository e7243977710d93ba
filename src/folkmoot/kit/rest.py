"""What the REST routes of every contract begin and end with: who asks, and how answers look."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Annotated, Any, Final

import msgspec
from fastapi import Depends, Response
from fastapi.requests import Request
from fastapi.security import OAuth2PasswordBearer
from msgspec import UNSET, Struct, UnsetType

from folkmoot.auth.authenticator import Caller, credentials_of
from folkmoot.core.accounts.errors import TokenMissing
from folkmoot.core.shared.refusals import Refusal, TooManyRequests
from folkmoot.realtime.services import Services

CALLER: Final = "caller"
"""Where the entrance leaves, in the state of a request, who asks."""

NAMES: Final = "x-names"
"""Where `shape` notes what an answer names, until the links of the document are made of it."""

_encode = msgspec.json.Encoder().encode

bearer = OAuth2PasswordBearer(
    tokenUrl="/auth/token", auto_error=False, description="A token from one of the login routes"
)


def services_of(request: Request) -> Services:
    """The services that this server runs."""
    services: Services = request.app.state.services
    return services


async def caller_of(
    request: Request,
    services: Annotated[Services, Depends(services_of)],
    _token: Annotated[str | None, Depends(bearer)],
) -> Caller:
    """Who asks. A ticket says nothing here: it opens a socket, and is not used up by a request.

    The entrance knows it by now; asked again is only where there is none.

    Raises:
        Unauthenticated, AccountInactive
    """
    caller: Caller | None = request.scope.get("state", {}).get(CALLER)
    if caller is not None:
        return caller
    return await services.authenticator.caller(replace(credentials_of(request.scope), ticket=None))


ServicesOf = Annotated[Services, Depends(services_of)]
CallerOf = Annotated[Caller, Depends(caller_of)]


def answer(content: Struct | list[Any], status: int = 200) -> Response:
    """A JSON answer, encoded from the types of the wire."""
    return Response(_encode(content), status, media_type="application/json")


def shape(
    of: type[Struct],
    *,
    many: bool = False,
    description: str = "Done",
    names: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Any]:
    """How an answer is described in the OpenAPI document; its schema is made from the type.

    ``names`` says which field of the answer (a JSON pointer without its first slash) is which
    parameter in the paths of routes with the same tag: the document links to those routes.
    """
    schema: dict[str, Any] = {"$ref": f"#/components/schemas/{of.__name__}"}
    if many:
        schema = {"type": "array", "items": schema}
    answer = {"description": description, "content": {"application/json": {"schema": schema}}}
    return {**answer, NAMES: dict(names)} if names else answer


_REFUSALS = {
    400: "Malformed",
    401: "Nobody knows who asks: no token, or one that is not valid",
    403: "Known, and not allowed",
    404: "Not there, or not to be seen",
    409: "Right in itself, but the conversation or the `client_id` has moved on",
    413: "Larger than the server takes",
    422: "A value that can never be right",
    429: "Too many requests; `Retry-After` says when to try again",
}


_SUCH_AS: Mapping[int, Refusal] = {401: TokenMissing(), 429: TooManyRequests(retry_after=6.0)}
_VALIDATION = {
    "detail": [{"type": "missing", "loc": ["body"], "msg": "Field required"}],
    "code": "validation_failed",
}


def _example(status: int, such_as: Mapping[int, Refusal]) -> dict[str, Any]:
    refusal = such_as.get(status) or _SUCH_AS.get(status)
    if refusal is not None:
        return {"example": {"detail": str(refusal), "code": refusal.code}}
    return {"example": _VALIDATION} if status == 422 else {}


def refusals(
    *statuses: int,
    also: type[Struct] | None = None,
    such_as: Mapping[int, Refusal] = MappingProxyType({}),
) -> dict[int | str, dict[str, Any]]:
    """How refusals are described in the OpenAPI document, and which one stands as an example.

    ``also``: an answer that says more.
    """
    schema: dict[str, Any] = {"$ref": "#/components/schemas/RefusalOut"}
    if also is not None:
        schema = {"anyOf": [{"$ref": f"#/components/schemas/{also.__name__}"}, schema]}
    return {
        status: {
            "description": _REFUSALS[status],
            "content": {"application/json": {"schema": schema, **_example(status, such_as)}},
        }
        for status in statuses
    }


class ProblemOut(Struct):
    """What is wrong with a request at one place: ``loc`` leads there from ``body`` or ``query``."""

    type: str
    loc: list[str | int]
    msg: str


class RefusalOut(Struct):
    """Why a request was refused: a text (or, for 422, a list of places), and a stable code.

    What passes by itself (``passing``) may be tried again as it is, in ``retry_after`` seconds.
    """

    detail: str | list[ProblemOut]
    code: str
    passing: bool | UnsetType = UNSET
    retry_after: float | UnsetType = UNSET

"""Whether the process lives, and whether it can do its work."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from msgspec import UNSET, Struct, UnsetType

from folkmoot.core.shared.health import PartFailure
from folkmoot.kit.rest import ServicesOf, answer, shape
from folkmoot.server.ops.health import Readiness

router = APIRouter(tags=["health"])


def _readiness_of(request: Request) -> Readiness:
    readiness: Readiness = request.app.state.readiness
    return readiness


ReadinessOf = Annotated[Readiness, Depends(_readiness_of)]


class FailingPartOut(Struct):
    """A part of the server that is not well: ``down`` or ``degraded``, why, and since when."""

    name: str
    status: str
    reason: str
    since: str


class HealthOut(Struct):
    """How it is; ``detail`` says why where it is not well, ``parts`` which part is to blame."""

    status: str
    detail: str | UnsetType = UNSET
    parts: list[FailingPartOut] | UnsetType = UNSET


_WELL: dict[int | str, dict[str, Any]] = {200: shape(HealthOut, description="Yes")}


@router.get("/healthz", summary="Check liveness", responses=_WELL)
@router.get("/livez", include_in_schema=False)
async def healthz() -> Response:
    """Answers as long as the event loop turns."""
    return answer(HealthOut("ok"))


@router.get(
    "/readyz",
    summary="Check readiness",
    responses={
        200: shape(HealthOut, description="Yes; `degraded` where a part beside is not well"),
        503: shape(HealthOut, description="Not now; `detail` says why"),
    },
)
async def readyz(services: ServicesOf, readiness: ReadinessOf) -> Response:
    """Answers 200 when a message could be stored right now, within two seconds and at no cost."""
    if services.writer.is_stopping:
        return answer(HealthOut("stopping", "The server is restarting."), 503)
    if services.bus.is_deaf:
        return answer(HealthOut("unavailable", "Other processes are not heard."), 503)
    await readiness.look()
    failures = readiness.health.failures()
    if not failures:
        return answer(HealthOut("ready"))
    is_down = any(failure.is_down for failure in failures)
    status = "unavailable" if is_down else "degraded"
    detail = f"{'; '.join(failure.explained for failure in failures)}."
    return answer(HealthOut(status, detail, list(map(_shown, failures))), 503 if is_down else 200)


def _shown(failure: PartFailure) -> FailingPartOut:
    status = "down" if failure.is_down else "degraded"
    return FailingPartOut(failure.part, status, failure.reason, failure.since.isoformat())

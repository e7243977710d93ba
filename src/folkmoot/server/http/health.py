"""Whether the process lives, and whether it can do its work."""

from typing import Any

from fastapi import APIRouter, Response
from msgspec import UNSET, Struct, UnsetType

from folkmoot.core.shared.refusals import Unavailable
from folkmoot.kit.rest import ServicesOf, answer, shape

router = APIRouter(tags=["health"])


class HealthOut(Struct):
    """How it is; ``detail`` says why where it is not well."""

    status: str
    detail: str | UnsetType = UNSET


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
        **_WELL,
        503: shape(HealthOut, description="Not now; `detail` says why"),
    },
)
async def readyz(services: ServicesOf) -> Response:
    """Answers 200 when a message could be stored right now."""
    if services.writer.is_stopping:
        return answer(HealthOut("stopping", "The server is restarting."), 503)
    if services.bus.is_deaf:
        return answer(HealthOut("unavailable", "Other processes are not heard."), 503)
    try:
        await services.storage.check()
    except Unavailable as error:
        return answer(HealthOut("unavailable", str(error)), 503)
    return answer(HealthOut("ready"))

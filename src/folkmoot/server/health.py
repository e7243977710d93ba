"""Whether the process lives, and whether it can do its work."""

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from folkmoot.core.shared.refusals import Unavailable
from folkmoot.realtime.asking import HouseOf

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="Is the process alive?")
@router.get("/livez", include_in_schema=False)
async def healthz() -> dict[str, str]:
    """Answers as long as the event loop turns."""
    return {"status": "ok"}


@router.get(
    "/readyz",
    summary="Can it do its work?",
    responses={503: {"description": "Not now; `detail` says why"}},
)
async def readyz(house: HouseOf) -> Response:
    """Answers 200 when a message could be stored right now."""
    if house.writer.is_stopping:
        return JSONResponse({"status": "stopping", "detail": "The server is restarting."}, 503)
    try:
        await house.storage.check()
    except Unavailable as error:
        return JSONResponse({"status": "unavailable", "detail": str(error)}, 503)
    return JSONResponse({"status": "ready"})

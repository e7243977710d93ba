"""Uploading files, and fetching them."""

from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Request, Response
from fastapi.responses import StreamingResponse
from msgspec import Struct
from starlette.requests import ClientDisconnect

from folkmoot.core.messages.errors import FileTooLarge, QuotaReached
from folkmoot.core.messages.model import PICTURES, Upload
from folkmoot.files import thumbnails
from folkmoot.files.form import OVERHEAD_BYTES, FileForm, FormMalformed
from folkmoot.files.links import PREFIX, file_url, thumbnail_url
from folkmoot.files.names import disposition
from folkmoot.files.ranges import NotSatisfiable, wanted
from folkmoot.files.service import Incoming
from folkmoot.files.sniffing import UNKNOWN, served_type
from folkmoot.kit.rest import CallerOf, ServicesOf, answer, refusals, shape

STATUSES: Mapping[str, int] = {
    FormMalformed.code: 400,
    FileTooLarge.code: 413,
    QuotaReached.code: 413,
}
"""The statuses of this contract for refusals that are elsewhere of their kind's."""

router = APIRouter(prefix=PREFIX, tags=["files"], responses=refusals(401, 429))

FilePath = Annotated[str, Path(description="The `attachment_id` of the file")]

# Whatever a file turns out to be: where it is opened, it runs nothing, fetches nothing, and is
# of no origin (it cannot read what this server's pages can).
_GUARDED = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    # Kept by the one who asked, and asked about again each time: rights may have been lost.
    "Cache-Control": "private, no-cache",
}
_FORM = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": {"type": "string", "format": "binary", "minLength": 1}},
            }
        }
    },
}
_BINARY = {"schema": {"type": "string", "format": "binary"}}
# What a file was found to be; of most types there is no list.
_TYPES = (UNKNOWN, *sorted(PICTURES), "application/pdf", "text/plain", "*/*")
_BYTES: dict[str, Any] = {"content": dict.fromkeys(_TYPES, _BINARY)}
_KNOWN = {"description": "What the client has is still right"}
_BEYOND = {
    "description": "The range lies beyond the file's end",
    "headers": {
        "Content-Range": {
            "description": "The size of the file: `bytes */n`",
            "schema": {"type": "string"},
        }
    },
}

Range = Annotated[
    str | None,
    Header(alias="Range", description="A part of it, by its bytes: `bytes=0-1023`, from 0 on"),
]
IfRange = Annotated[
    str | None, Header(description="The `ETag` of which the part is wanted; else all is sent")
]
IfNoneMatch = Annotated[
    str | None, Header(description="The `ETag` of what the client has: 304 if it is still that")
]


class FileOut(Struct):
    """A file that was uploaded: what it is called here, and what it was found to be."""

    file_url: str
    file_name: str
    file_size: int
    file_type: str
    attachment_id: str
    thumbnail_url: str | None = None


@router.post(
    "",
    status_code=201,
    summary="Upload a file",
    responses={
        201: shape(FileOut, description="It is whole on disk", names={"file_id": "attachment_id"}),
        **refusals(400, 413, 422),
    },
    openapi_extra={"requestBody": _FORM},
)
async def upload(request: Request, services: ServicesOf, caller: CallerOf) -> Response:
    """Upload one file, in the field `file` of a multipart form, to hang it on a message.

    Its type is found by looking at it. Until it hangs on a message only its uploader can fetch
    it, and after a day it is removed.
    """
    me = caller.account.id
    form = FileForm(request.headers.get("content-type", ""))
    await services.files.check_room(me, max(0, _announced(request) - OVERHEAD_BYTES))
    with services.files.receiving(me) as incoming:
        try:
            await _gather(request, form, incoming)
        except ClientDisconnect:
            # Nobody is there to read this answer.
            return Response(status_code=400)
        kept = await services.files.keep(me, incoming, form.finish())
    return answer(file_out(kept), 201)


@router.get(
    "/{file_id}",
    summary="Download a file",
    response_class=Response,
    responses={
        200: {"description": "The whole file", **_BYTES},
        206: {"description": "The part that was asked for", **_BYTES},
        304: _KNOWN,
        416: _BEYOND,
        **refusals(404),
    },
)
async def fetch(
    file_id: FilePath,
    services: ServicesOf,
    caller: CallerOf,
    wanted_range: Range = None,
    if_range: IfRange = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """The bytes of a file, for its uploader and for members of a conversation that holds it.

    One `Range` is served; pictures that are safe to show come inline, all else to be saved.
    """
    kept = await services.files.shown(caller.account, file_id)
    etag = f'"{kept.digest}"'
    headers = {
        **_GUARDED,
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Content-Type": _content_type(kept),
        "Content-Disposition": disposition(kept.name, inline=kept.attachment.is_picture),
    }
    if _is_known(if_none_match, etag):
        return Response(status_code=304, headers=headers)
    asked = wanted_range if if_range in {None, etag} else None
    try:
        span = wanted(asked, kept.size)
    except NotSatisfiable:
        return Response(
            status_code=416, headers={**_GUARDED, "Content-Range": f"bytes */{kept.size}"}
        )
    if span is None:
        headers["Content-Length"] = str(kept.size)
        return StreamingResponse(await _begun(services.files.content(kept)), 200, headers)
    headers |= {"Content-Length": str(span.length), "Content-Range": span.content_range}
    pieces = services.files.content(kept, span.start, span.end)
    return StreamingResponse(await _begun(pieces), 206, headers)


@router.get(
    "/{file_id}/thumbnail",
    summary="Download a thumbnail",
    response_class=Response,
    responses={
        200: {"description": "The picture", "content": {thumbnails.MEDIA_TYPE: _BINARY}},
        304: _KNOWN,
        **refusals(404),
    },
)
async def fetch_thumbnail(
    file_id: FilePath,
    services: ServicesOf,
    caller: CallerOf,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """A small picture of an image, without what the image tells about itself."""
    kept = await services.files.shown(caller.account, file_id)
    etag = f'"{kept.digest}.thumbnail"'
    headers = {**_GUARDED, "ETag": etag, "Content-Disposition": "inline"}
    if _is_known(if_none_match, etag):
        return Response(status_code=304, headers=headers)
    picture = await services.files.thumbnail(kept)
    return Response(picture, headers=headers, media_type=thumbnails.MEDIA_TYPE)


def file_out(kept: Upload) -> FileOut:
    """A file as this contract tells of it to its uploader."""
    return FileOut(
        file_url=file_url(kept.id),
        file_name=kept.name,
        file_size=kept.size,
        file_type=kept.media_type,
        attachment_id=kept.id,
        thumbnail_url=thumbnail_url(kept.id) if kept.has_thumbnail else None,
    )


async def _gather(request: Request, form: FileForm, incoming: Incoming) -> None:
    async for data in request.stream():
        for piece in form.feed(data):
            await incoming.write(piece)


async def _begun(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The pieces again; the first is there already, so that a missing file is still refused."""
    first = [await anext(pieces)]

    async def again() -> AsyncIterator[bytes]:
        yield first.pop()
        async for piece in pieces:
            yield piece

    return again()


def _content_type(kept: Upload) -> str:
    media_type = served_type(kept.media_type)
    return f"{media_type}; charset=utf-8" if media_type == "text/plain" else media_type


def _is_known(if_none_match: str | None, etag: str) -> bool:
    known = if_none_match or ""
    return known == "*" or etag in (one.strip().removeprefix("W/") for one in known.split(","))


def _announced(request: Request) -> int:
    """The length that a request claims to have; the server beneath has checked its form."""
    length = request.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() and len(length) <= 18 else 0

"""The HTTP below the client of a model: only our headers go out, and what comes in is bounded."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx2

_SENT = ("host", "content-type", "content-length", "connection")
_EVENT_ENDS = (b"\n\n", b"\r\r", b"\n\r\n")
_SLICE_BYTES = 4096
_EVENT_STREAM = "text/event-stream"
_FORMS = frozenset(
    {_EVENT_STREAM, "", "text/plain", "application/octet-stream"}
    | {f"application/{one}" for one in ("json", "x-ndjson", "ndjson", "jsonl", "stream+json")}
)
"""What servers call their streams, and the JSON of those that answer in one."""


ENDS = ("content-length", "transfer-encoding")
"""The headers by which HTTP tells where a body ends; without them it ends with the connection."""


class Unfit(Exception):
    """What came is no stream of events, or more than is taken of one."""


@dataclass(frozen=True, slots=True)
class ResponseBounds:
    """What is read of one response, and of one event in it, at most."""

    response_bytes: int = 8 * 1024 * 1024
    event_bytes: int = 256 * 1024


@dataclass(frozen=True, slots=True)
class GuardedTransport(httpx2.AsyncBaseTransport):
    """Sends requests with the key, and without whatever else the client or its environment adds.

    A response that is no 200 has no body: its text is a stranger's, and may repeat the request.
    Nothing compressed is asked for or taken, so that what is counted is what must be held.
    """

    inner: httpx2.AsyncBaseTransport
    key: str | None = field(repr=False)
    bounds: ResponseBounds

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The response, its stream bounded.

        Raises:
            Unfit: it is neither a stream of events nor JSON.
        """
        request.headers = self._headers(request)
        response = await self.inner.handle_async_request(request)
        if response.status_code != httpx2.codes.OK:
            await response.aclose()
            waits = [("retry-after", wait) for wait in response.headers.get_list("retry-after")]
            return httpx2.Response(response.status_code, headers=waits[:1], content=b"")
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        form = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if form not in _FORMS or encoding != "identity":
            await response.aclose()
            raise Unfit("not a stream of events")
        return httpx2.Response(
            response.status_code,
            headers=[(name, response.headers[name]) for name in ENDS if name in response.headers],
            stream=_BoundedStream(response, self.bounds),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        """Close every connection."""
        await self.inner.aclose()

    def _headers(self, request: httpx2.Request) -> httpx2.Headers:
        headers = {name: request.headers[name] for name in _SENT if name in request.headers}
        headers |= {
            "accept": _EVENT_STREAM,
            "accept-encoding": "identity",
            "user-agent": "folkmoot",
        }
        if self.key is not None:
            headers["authorization"] = f"Bearer {self.key}"
        return httpx2.Headers(headers)


class _BoundedStream(httpx2.AsyncByteStream):
    def __init__(self, response: httpx2.Response, bounds: ResponseBounds) -> None:
        self._response = response
        self._bounds = bounds
        self._total = self._event = 0
        self._tail = b""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._response.aiter_raw():
            for start in range(0, len(chunk), _SLICE_BYTES):
                piece = chunk[start : start + _SLICE_BYTES]
                self._count(piece)
                yield piece
                # A burst of small events is much work: let others have their turn in between.
                await asyncio.sleep(0)

    def _count(self, piece: bytes) -> None:
        self._total += len(piece)
        seen = self._tail + piece
        end = max(seen.rfind(mark) for mark in _EVENT_ENDS)
        self._event = len(seen) - end if end >= 0 else self._event + len(piece)
        self._tail = seen[-2:]
        if self._total > self._bounds.response_bytes or self._event > self._bounds.event_bytes:
            raise Unfit("more than is taken")

    async def aclose(self) -> None:
        await self._response.aclose()

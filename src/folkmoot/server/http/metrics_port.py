"""The port at which Prometheus reads, apart from that of the clients."""

import asyncio
import logging
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hmac import compare_digest
from http import HTTPStatus
from ipaddress import ip_address
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest

from folkmoot.server.errors import StartRefused
from folkmoot.server.http.process import listen
from folkmoot.server.ops.metrics import Measured, ServerCollector
from folkmoot.server.settings import Settings

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
MAX_HEAD_BYTES: Final = 16 * 1024
WITHIN_SECONDS: Final = 5.0
_END_OF_HEAD: Final = b"\r\n\r\n"
_ALLOW: Final = "Allow: GET, HEAD\r\n"
_FROM_A_PROXY: Final = re.compile(r"^https?://[^/?#]*", re.IGNORECASE)
_log = logging.getLogger(__name__)


def listener_of(settings: Settings) -> socket.socket | None:
    """A socket that listens at the address of the settings; ``None``: they name none.

    Raises:
        StartRefused: the address is none or is taken, or is open to others without a token.
    """
    if settings.metrics_address is None:
        return None
    return listen(
        *_address_of(settings.metrics_address, has_token=settings.metrics_token is not None)
    )


@asynccontextmanager
async def served(
    measured: Measured, settings: Settings, listener: socket.socket
) -> AsyncIterator[None]:
    """Serve ``/metrics`` there."""
    token = settings.metrics_token
    registry = CollectorRegistry(auto_describe=False)
    registry.register(ServerCollector(measured))
    wanted = None if token is None else f"Bearer {token.get_secret_value()}"

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(WITHIN_SECONDS):
                head = await reader.readuntil(_END_OF_HEAD)
                writer.write(_answer(head, wanted, registry))
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return
        except Exception:
            _log.exception("the metrics could not be told")
        finally:
            writer.close()

    async with await asyncio.start_server(take, sock=listener, limit=MAX_HEAD_BYTES):
        _log.info("metrics at http://%s:%d/metrics", *listener.getsockname()[:2])
        yield


def _address_of(address: str, *, has_token: bool) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise StartRefused(f"FOLKMOOT_METRICS_ADDRESS is {address!r}: write it as host:port.")
    if not has_token and not _is_loopback(host):
        raise StartRefused(
            f"Metrics at {address} are open to others: set FOLKMOOT_METRICS_TOKEN, "
            "or serve them on 127.0.0.1."
        )
    return host, int(port)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _answer(head: bytes, wanted: str | None, registry: CollectorRegistry) -> bytes:
    request, *lines = head.decode("latin-1").split("\r\n")
    fields = {name.strip().lower(): value.strip() for name, _, value in map(_parted, lines)}
    given = fields.get("authorization", "")
    if wanted is not None and not compare_digest(given.encode(), wanted.encode()):
        return _response(HTTPStatus.UNAUTHORIZED, b"")
    method, _, rest = request.partition(" ")
    target = rest.partition(" ")[0]
    if _FROM_A_PROXY.sub("", target).partition("?")[0] != "/metrics":
        return _response(HTTPStatus.NOT_FOUND, b"")
    if method == "OPTIONS":
        return _response(HTTPStatus.OK, b"", _ALLOW)
    if method not in {"GET", "HEAD"}:
        return _response(HTTPStatus.METHOD_NOT_ALLOWED, b"", _ALLOW)
    answer = _response(HTTPStatus.OK, generate_latest(registry))
    return answer if method == "GET" else answer[: answer.index(_END_OF_HEAD) + len(_END_OF_HEAD)]


def _parted(line: str) -> tuple[str, str, str]:
    return line.partition(":")


def _response(status: HTTPStatus, body: bytes, asks: str = "") -> bytes:
    if status is HTTPStatus.UNAUTHORIZED:
        asks = "WWW-Authenticate: Bearer\r\n"
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {CONTENT_TYPE}\r\n"
        f"Content-Length: {len(body)}\r\n{asks}Connection: close\r\n\r\n"
    )
    return head.encode() + body

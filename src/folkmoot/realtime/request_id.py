"""The id of the request or socket that is being served, for every log line about it."""

from contextvars import ContextVar
from typing import Final

request_id: Final[ContextVar[str]] = ContextVar("request_id", default="")
"""Set at the edge, once for each request and each socket; empty where nobody asked."""

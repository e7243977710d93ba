"""What the assistant answers from: the logs and the pages that the settings name."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from folkmoot.bots.logs.index import FILE_NAME as LOG_INDEX
from folkmoot.bots.logs.index import Logs, made_of
from folkmoot.bots.pages.index import FILE_NAME as PAGE_INDEX
from folkmoot.bots.pages.index import Pages, made_of_pages
from folkmoot.core.logs.model import SourceAudience
from folkmoot.core.shared.health import Health
from folkmoot.server.programs import log_reader
from folkmoot.server.settings import Settings
from folkmoot.server.system import SystemClock
from folkmoot.storage.log_index import LogIndexFile


@asynccontextmanager
async def opened_logs(settings: Settings, health: Health) -> AsyncIterator[Logs]:
    """The logs, and the index of them until they are left."""
    folder, named = settings.data.absolute(), settings.assistant_logs
    audience = SourceAudience(settings.assistant_logs_for)
    index = LogIndexFile(folder / LOG_INDEX, made_of=made_of(named, audience, settings.log_zones))
    try:
        yield Logs(
            sources=named,
            audience=audience,
            zones=settings.log_zones,
            folder=folder,
            index=index,
            reader=log_reader.__name__,
            clock=SystemClock(),
            health=health,
        )
    finally:
        await index.close()


@asynccontextmanager
async def opened_pages(settings: Settings, health: Health) -> AsyncIterator[Pages]:
    """The pages, and the index of them, where there are any, until they are left."""
    folder, named = settings.data.absolute(), settings.assistant_pages
    link = settings.assistant_pages_url or ""
    made = made_of_pages(named, link)
    index = LogIndexFile(folder / PAGE_INDEX, made_of=made) if named else None
    try:
        yield Pages(
            folders=named,
            link=link,
            folder=folder,
            index=index,
            reader=log_reader.__name__,
            health=health,
        )
    finally:
        if index is not None:
            await index.close()

"""Storage as a server opens it, but that a busy machine makes nobody give up waiting for it."""

from dataclasses import replace

from folkmoot.core.work import Storage
from folkmoot.storage import PostgresSettings, SqliteSettings, open_storage
from tests.deadlines import WITHIN_S

PATIENT_SQLITE = replace(SqliteSettings(), timeout_seconds=WITHIN_S, answer_seconds=WITHIN_S)
PATIENT_POSTGRES = PostgresSettings(
    timeout_seconds=WITHIN_S, lock_seconds=WITHIN_S, answer_seconds=WITHIN_S
)


async def opened_patiently(
    url: str,
    *,
    sqlite: SqliteSettings = PATIENT_SQLITE,
    postgres: PostgresSettings = PATIENT_POSTGRES,
) -> Storage:
    """Storage at the URL. What a test says of how long to wait, it says of the settings here."""
    return await open_storage(url, sqlite=sqlite, postgres=postgres)

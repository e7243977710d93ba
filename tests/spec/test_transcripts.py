"""Every transcript of the spec holds against a real server."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.deadlines import WITHIN_S
from tests.running import Server
from tests.spec.transcripts import Player

SPEC = Path(__file__).parents[2] / "spec"
TRANSCRIPTS = sorted(SPEC.glob("*/*.jsonl"))


def demo_server_in(folder: Path, *flags: str) -> Server:
    """A server with demo data, and a page that the assistant can quote."""
    pages = folder / "help"
    pages.mkdir()
    (pages / "parcels.md").write_text("# Parcels\n\nParcels leave on Mondays.\n")
    return Server(folder, "--demo", *flags, FOLKMOOT_ASSISTANT_PAGES=str(pages))


@pytest.fixture(scope="module")
def demo_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with demo_server_in(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.mark.parametrize(
    "transcript", TRANSCRIPTS, ids=lambda path: f"{path.parent.name}/{path.stem}"
)
async def test_the_server_says_what_the_transcript_says(
    demo_server: Server, transcript: Path
) -> None:
    async with httpx2.AsyncClient(base_url=demo_server.url, timeout=WITHIN_S) as http:
        player = Player(demo_server.url, http)
        try:
            await player.play(transcript)
        finally:
            await player.close()


def test_there_are_transcripts() -> None:
    assert TRANSCRIPTS

"""Every transcript of the spec holds against a real server."""

from pathlib import Path

import httpx2
import pytest

from tests.deadlines import WITHIN_S
from tests.running import Server
from tests.spec.transcripts import Player

SPEC = Path(__file__).parents[2] / "spec"
TRANSCRIPTS = sorted(SPEC.glob("*/*.jsonl"))


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

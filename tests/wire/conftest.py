"""Fixtures of the tests of the wire."""

import pytest

from tests.wire.asgi_stage import Desk


@pytest.fixture
def desk() -> Desk:
    return Desk()

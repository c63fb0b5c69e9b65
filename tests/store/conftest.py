"""The line from a truth in memory through a real server to a mirror."""

from collections.abc import Iterator

import pytest

from tests.status_line import Line


@pytest.fixture
def line(redis_url: str) -> Iterator[Line]:
    """A running line whose entry 1 is valid and shown."""
    made = Line(redis_url)
    try:
        made.add(1, 0)
        made.settled(1, "valid")
        yield made
    finally:
        made.close()

"""One running service for all tests of a module, and a fresh one where a test changes its settings."""

import pytest

from tests.web.counter import Counter, counter_at, founded, settings_of


@pytest.fixture(scope="module")
def counter(tmp_path_factory) -> Counter:
    made = counter_at(founded(settings_of(tmp_path_factory.mktemp("home"))))
    with made.http:
        made.await_ready()
        yield made


@pytest.fixture
def another(tmp_path):
    """Make a service with other settings; it is stopped at the end of the test."""
    running = []

    def make(**changes) -> Counter:
        made = counter_at(founded(settings_of(tmp_path, **changes)))
        made.http.__enter__()
        running.append(made)
        made.await_ready()
        return made

    yield make
    for made in running:
        made.http.__exit__(None, None, None)

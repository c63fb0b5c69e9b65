"""A pytest plugin: the tests that take longest begin first, so that none of them is left alone at the end.

It changes the order and nothing else. A name that is gone does no harm.
"""

import pytest

__all__ = ["LONGEST", "pytest_collection_modifyitems"]

# Those that start servers or measure, by the beginning of their node id.
LONGEST = (
    "tests/bench/test_parts.py::test_the_parts_over_http",
    "tests/test_demo.py",
    "tests/web/test_server.py",
    "tests/bench/",
    "tests/store/",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort by the table above; what is not in it keeps its order behind."""
    items.sort(key=lambda item: _rank(item.nodeid))


def _rank(nodeid: str) -> int:
    return next((place for place, name in enumerate(LONGEST) if nodeid.startswith(name)), len(LONGEST))

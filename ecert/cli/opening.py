"""Opening the registry for one command: no thread runs and no server is started."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ecert.assembly import App, Settings, build

__all__ = ["opened"]


@contextmanager
def opened(home: Path | None, *, role: str = "issuer") -> Iterator[App]:
    """Open SQL and keys as the settings say, and close them at the end.

    Raises:
        SettingsFault: A setting is wrong.
        Unavailable: SQL is out of reach.
    """
    app = build(Settings.read(home=home, role=role), launch=False)
    try:
        app.refresh()
        yield app
    finally:
        app.close()

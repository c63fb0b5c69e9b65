"""Opening the registry for one command: no thread runs and no server is started."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ecert.assembly import App, Settings, build
from ecert.errors import SettingsFault

__all__ = ["opened"]


@contextmanager
def opened(home: Path | None, *, role: str = "issuer", make: bool = False) -> Iterator[App]:
    """Open SQL and keys as the settings say, and close them at the end.

    Args:
        home: Folder of the database; None for the setting's.
        role: What this process may do.
        make: Make a home where there is none. Without it nothing is made by asking in the wrong folder.

    Raises:
        SettingsFault: A setting is wrong, or there is no home.
        Unavailable: SQL is out of reach.
    """
    settings = Settings.read(home=home, role=role)
    if not make and settings.database_url is None and not (settings.home / "ecert.db").exists():
        raise SettingsFault(
            f"expected a home with trust lists at {settings.home}: "
            "ecert trust init makes one, or name one by --home"
        )
    app = build(settings, launch=False)
    try:
        app.refresh()
        yield app
    finally:
        app.close()

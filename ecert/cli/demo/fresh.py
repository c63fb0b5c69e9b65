"""A folder of the demo's own: emptied at the start of each run, and never anybody else's.

- Only a folder that carries the demo's mark, or is empty, is emptied.
- One run at a time: a second one in the same folder is turned away while the first is serving.
- Settings of a real installation (`ECERT_*` in the environment) don't reach the demo.
"""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from ecert.errors import SettingsFault

__all__ = ["fresh_home", "without_settings"]

_MARK = ".ecert-demo"


@contextlib.contextmanager
def fresh_home(home: Path) -> Iterator[None]:
    """Give an empty folder for the length of a block, held against a second run.

    Raises:
        SettingsFault: There is something in the folder that no demo made, or another demo is running in it.
    """
    mark = home / _MARK
    try:
        home.mkdir(parents=True, exist_ok=True)
        if any(home.iterdir()) and not mark.is_file():
            raise SettingsFault(
                f"expected an empty folder or one of an earlier demo at {home}, found another"
            )
        with mark.open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise SettingsFault(f"another demo is running in {home}: stop it, or use --home") from None
            _empty(home)
            yield
    except OSError as fault:
        raise SettingsFault(f"expected a folder to write to at {home}, got {fault.strerror}") from None


def _empty(home: Path) -> None:
    for entry in home.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != _MARK:
            entry.unlink()


@contextlib.contextmanager
def without_settings() -> Iterator[None]:
    """Take every `ECERT_*` variable away for the length of a block."""
    hidden = {name: value for name, value in os.environ.items() if name.upper().startswith("ECERT_")}
    for name in hidden:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(hidden)

"""Files that only their owner may read: made whole or not at all, and refused when others could have read
them.

A file appears under its name complete and on disk, never half written: it is written beside its place,
synced, and linked or renamed there. Two processes that make the same file at first run end with one of the
two, both knowing which.
"""

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from ecert.errors import KeyFault

__all__ = ["create_private", "locked", "private_directory", "read_private", "replace_private"]

_MAX_BYTES = 1 << 20


def private_directory(path: Path) -> Path:
    """Make a directory with mode 0700 if it is missing, and refuse one that others can read.

    Raises:
        KeyFault: It is there with wider permissions, or can't be made.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as fault:
        raise KeyFault(f"expected a directory for private keys at {path}, got {fault.strerror}") from None
    if mode & 0o077:
        raise KeyFault(f"expected {path} with mode 0700, got {mode:04o}: chmod 700 {path}")
    return path


def read_private(path: Path) -> bytes:
    """Read a private file, at most 1 MiB.

    Raises:
        KeyFault: Others may read it, or it can't be read.
    """
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077:
                raise KeyFault(f"expected {path.name} with mode 0600, got {mode:04o}: chmod 600 {path}")
            data = file.read(_MAX_BYTES + 1)
    except OSError as fault:
        raise KeyFault(f"expected a readable private file at {path}, got {fault.strerror}") from None
    if len(data) > _MAX_BYTES:
        raise KeyFault(f"expected at most {_MAX_BYTES} bytes in {path.name}, got more")
    return data


def create_private(path: Path, data: bytes) -> bool:
    """Make a private file if there is none; returns False, and changes nothing, when there is one already."""
    beside = _write_beside(path, data)
    try:
        os.link(beside, path)
    except FileExistsError:
        return False
    finally:
        beside.unlink()
    _sync_directory(path.parent)
    return True


def replace_private(path: Path, data: bytes) -> None:
    """Put new content in the place of a private file, at once for every reader."""
    beside = _write_beside(path, data)
    beside.replace(path)
    _sync_directory(path.parent)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock among processes while a private file is read and replaced."""
    descriptor = os.open(path.with_name(path.name + ".lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write_beside(path: Path, data: bytes) -> Path:
    beside = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(6).hex()}")
    try:
        descriptor = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as fault:
        beside.unlink(missing_ok=True)
        raise KeyFault(f"expected to write {path}, got {fault.strerror}") from None
    return beside


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

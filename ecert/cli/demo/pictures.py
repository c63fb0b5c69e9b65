"""QR pictures by the hundred: drawn and read back by two processes.

Reading is done by zxing-cpp, which knows nothing of how the pictures were drawn.
"""

import contextlib
import ctypes
import signal
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from ecert.cli.pictures import read_picture
from ecert.wire import qr

__all__ = ["draw_all", "picture_makers", "read_all"]

_PROCESSES = 2
_PORTION = 8


@contextlib.contextmanager
def picture_makers() -> Iterator[ProcessPoolExecutor]:
    """Two processes for pictures, for the length of a block. Begin it before any thread is started.

    They are forked at once: a new interpreter would take longer to load than the pictures to draw.
    """
    pool = ProcessPoolExecutor(_PROCESSES, mp_context=get_context("fork"), initializer=_serve_quietly)
    try:
        pool.submit(_nothing).result()
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _serve_quietly() -> None:
    # Ctrl-C reaches every process of the terminal; the demo ends these two, or the kernel if the demo can't.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM, 0, 0, 0)


def _nothing() -> None:
    """The first task: with it, both processes are there."""


def draw_all(pool: ProcessPoolExecutor, codes: Sequence[tuple[str, Path]]) -> Iterator[int]:
    """Draw each text into its file; yields each code's QR version, in order."""
    return pool.map(_draw, codes, chunksize=_PORTION)


def read_all(pool: ProcessPoolExecutor, paths: Sequence[Path]) -> Iterator[str]:
    """Read the one code in each picture; yields the texts, in order."""
    return pool.map(read_picture, paths, chunksize=_PORTION)


def _draw(code: tuple[str, Path]) -> int:
    text, path = code
    path.write_bytes(qr.draw_png(text))
    return qr.version_of(text)

"""JSON lines on stderr, one event each. Nothing that a client sent is an argument of any event."""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Any, BinaryIO

import msgspec
import structlog

__all__ = ["configure_logs", "log", "place_of"]

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}

log: Any = structlog.get_logger()


def configure_logs(level: str = "info", stream: BinaryIO | None = None) -> None:
    """Set the project's log up, and let the libraries' loggers write the same lines without tracebacks."""
    out = stream if stream is not None else sys.stderr.buffer
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(serializer=_encode),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.BytesLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    _library_logging(level)


def _library_logging(level: str = "info") -> None:
    """Turn records of `logging` (uvicorn, redis, sqlalchemy, alembic) into our lines."""
    root = logging.getLogger()
    root.handlers[:] = [_Lines()]
    root.setLevel(max(_LEVELS[level], logging.WARNING))
    for name in ("uvicorn", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers[:] = []
        logger.propagate = True
        logger.setLevel(_LEVELS[level])
    access = logging.getLogger("uvicorn.access")
    access.handlers[:] = []
    access.propagate = False
    access.disabled = True


def place_of(fault: BaseException) -> str:
    """Where an exception arose: file and line of the innermost frame, nothing of its message."""
    frames = traceback.extract_tb(fault.__traceback__)
    return f"{frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno}" if frames else "?"


class _Lines(logging.Handler):
    """One line a record. An exception is named; its message, which may quote data, is not written."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            said = str(record.msg).strip() if record.exc_info else record.getMessage().strip()
            found: dict[str, Any] = {"logger": record.name}
            if record.exc_info and record.exc_info[0] is not None:
                found["kind"] = record.exc_info[0].__name__
            getattr(log, "error" if record.levelno >= logging.ERROR else "info")(said, **found)
        except Exception:
            self.handleError(record)


def _encode(event: Any, **_: Any) -> bytes:
    return msgspec.json.encode(event, enc_hook=str)

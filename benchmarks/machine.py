"""Where and when a run was made: commit, date, processor, versions. No host name, no user, no path."""

import os
import platform
import re
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from cryptography.hazmat.backends.openssl import backend

from benchmarks.processes import pinning, redis_binary

__all__ = ["about_this_run"]

_PACKAGES = (
    "ecert",
    "cryptography",
    "msgspec",
    "pyjwt",
    "fastapi",
    "starlette",
    "pydantic",
    "uvicorn",
    "uvloop",
    "httptools",
    "redis",
    "hiredis",
    "sqlalchemy",
    "qrcode",
    "zxing-cpp",
    "joserfc",
    "webtoken",
)


def about_this_run(*, size: str, parts: Sequence[str]) -> dict[str, Any]:
    """Collect what a reader needs to judge a run or repeat it."""
    return {
        "commit": _said("git", "rev-parse", "HEAD") or "unknown",
        "uncommitted_changes": bool(_said("git", "status", "--porcelain")),
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "size": size,
        "parts": list(parts),
        "machine": {
            "cpu": _processor(),
            "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
            "memory_gib": _memory_gib(),
            "system": f"{platform.system()} {platform.release()}",
            "load_average_before": [round(load, 2) for load in os.getloadavg()],
            "pinning": pinning(),
        },
        "versions": _versions(),
    }


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "openssl": backend.openssl_version_text().split()[1]}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    if (binary := redis_binary()) and (text := _said(binary, "--version")):
        server = re.search(r"^(\w+).*?v=([\d.]+)", text)
        found["redis_server"] = f"{server[1]} {server[2]}" if server else text[:40]
    if node := _said("node", "--version"):
        found["node"] = node.lstrip("v")
    return found


def _said(*command: str) -> str:
    """What a command prints; empty when it is missing or fails."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=10, check=True, cwd=Path(__file__).parent
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    name = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return name[1] if name else platform.machine()


def _memory_gib() -> float | None:
    if sys.platform != "linux":
        return None
    return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1)

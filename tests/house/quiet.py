"""Quietness below the line: the same input gives the same output, on any machine and at any hour."""

import ast
import sys
from pathlib import Path

from tests.house.floors import FLOORS, LINE
from tests.house.sources import Source, read_sources

__all__ = ["noise"]

# The standard library that pure code may use. What is not here is asked for here, with a reason.
QUIET_LIBRARY = {
    "__future__",
    "abc",
    "base64",
    "binascii",
    "bisect",
    "codecs",
    "collections",
    "contextlib",
    "csv",
    "dataclasses",
    "datetime",
    "enum",
    "functools",
    "hashlib",
    "heapq",
    "hmac",
    "html",
    "importlib.resources",  # package data: immutable, part of the code
    "io",  # BytesIO and StringIO; open is refused by name
    "itertools",
    "json",
    "math",
    "operator",
    "re",
    "string",
    "struct",
    "textwrap",
    "tomllib",
    "types",
    "typing",
    "unicodedata",
    "zlib",
}

# Calls that read the clock, the file system, the environment, the terminal, or draw randomness.
NOISY_NAMES = {"open", "input", "print", "eval", "exec", "compile", "__import__", "breakpoint"}
NOISY_ATTRIBUTES = {"now", "utcnow", "today", "open", "generate_private_key", "generate"}


def noise(root: Path) -> list[str]:
    """Give everything below the line that could answer differently tomorrow, as ``module:line: what``."""
    return [
        fault
        for source in read_sources(root)
        if FLOORS.get(source.room, LINE + 1) <= LINE
        for fault in [*_loud_imports(source), *_loud_calls(source)]
    ]


def _loud_imports(source: Source) -> list[str]:
    faults = []
    for node in ast.walk(source.tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            top = name.partition(".")[0]
            quiet = top in QUIET_LIBRARY or name.startswith("importlib.resources")
            if top in sys.stdlib_module_names and not quiet:
                faults.append(f"{source.module}:{node.lineno}: imports {name}")
            if name == "io.open":
                faults.append(f"{source.module}:{node.lineno}: imports {name}")
    return faults


def _loud_calls(source: Source) -> list[str]:
    faults = []
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id in NOISY_NAMES:
            faults.append(f"{source.module}:{node.lineno}: calls {node.func.id}")
        # A regular expression is compiled once at import; only the built-in of that name is refused above.
        if isinstance(node.func, ast.Attribute) and node.func.attr in NOISY_ATTRIBUTES:
            faults.append(f"{source.module}:{node.lineno}: calls .{node.func.attr}")
    return faults

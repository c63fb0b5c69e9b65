"""Node peers: installed by `npm ci` from the lock file when missing, skipped by name where that can't be."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.processes import on_cores

__all__ = ["FOLDER", "NodeLibraries", "why_no_node"]

FOLDER = Path(__file__).parent / "node"


def why_no_node(*, install: bool) -> str:
    """Make the Node peers ready; returns the reason when that is impossible, else an empty string.

    Args:
        install: Whether a missing folder may be filled over the network.
    """
    if shutil.which("node") is None:
        return "node is not installed"
    major = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    if int(major.lstrip("v").partition(".")[0]) < 20:
        return f"node 20 or newer is needed, {major.strip()} is installed"
    if (FOLDER / "node_modules" / "fastify").is_dir():
        return ""
    if shutil.which("npm") is None:
        return "npm is not installed"
    if not install:
        return "its packages are not installed: npm ci in benchmarks/peers/node"
    try:
        subprocess.run(["npm", "ci"], cwd=FOLDER, capture_output=True, timeout=180, check=True)
    except subprocess.SubprocessError:
        return "npm ci failed in benchmarks/peers/node"
    return ""


class NodeLibraries:
    """A Node process that checks the tokens of a file with one library after another, when told."""

    def __init__(self, tokens: Path, *, cores: Sequence[int]) -> None:
        with on_cores(cores):
            self._process = subprocess.Popen(
                ["node", str(FOLDER / "libraries.js")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=os.environ | {"BENCH_TOKENS": str(tokens)},
                text=True,
            )

    def why_not(self, library: str, alg: str) -> str:
        """Try one library on one algorithm, which also warms it up; says why it can't, if it can't."""
        answer = self._ask(library, alg, 0.01)
        return "" if answer[:1].isdigit() else answer.removeprefix("- ") or "the Node process ended"

    def checks_per_second(self, library: str, alg: str, seconds: float) -> float:
        """Let one library check tokens for a while."""
        return float(self._ask(library, alg, seconds))

    def _ask(self, library: str, alg: str, seconds: float) -> str:
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("expected pipes to the Node process, got none")
        self._process.stdin.write(f"{library} {alg} {seconds}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        if self._process.stdout is not None:
            self._process.stdout.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

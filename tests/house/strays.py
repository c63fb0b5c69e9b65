"""What has no place in a public repository: machine paths, private keys, unknown hosts, half-done work."""

import re
import subprocess
from pathlib import Path

__all__ = ["addresses", "kept_files", "leftovers", "lock_faults", "secrets_in"]

TEXT_LIMIT = 2 * 1024 * 1024
BINARY = {".bin", ".png", ".gz"}

ADDRESS = re.compile(
    r"\b(?:https?|wss?|ftp|git|ssh)://(?:[^\s/@\"'`<>]+@)?([A-Za-z0-9.\-]+|\[[0-9a-fA-F:]+\])", re.IGNORECASE
)
# Names that no one can register, addresses of the machine itself, and the standards that the documents cite.
RESERVED = (".example", ".test", ".invalid", ".localhost", ".example.com", ".example.org", ".example.net")
CITED = {
    "localhost",
    "127.0.0.1",
    "127.0.0.2",
    "0.0.0.0",
    "[::1]",
    "169.254.169.254",  # the cloud metadata address that hostile inputs point at
    "example",
    "example.com",
    "example.org",
    "example.net",
    "www.apache.org",
    "www.rfc-editor.org",
    "datatracker.ietf.org",
    "www.w3.org",
    "keepachangelog.com",
    "semver.org",
    "json-schema.org",
    "spec.openapis.org",
}

MACHINE_PATH = re.compile(
    r"(?<![\w.$}/-])/(?:home|Users)/[A-Za-z0-9_.-]+|(?<![\w.$}/-])/(?:work|root)/[A-Za-z0-9_.-]+"
)
PRIVATE_KEY = re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\s*[A-Za-z0-9+/\\]")
HALF_DONE = re.compile(
    r"^(?:<{7} |={7}$|>{7} )|\b(?:TODO|FIXME|XXX)\b|\bbreakpoint\(\)|\bpdb\.set_trace", re.MULTILINE
)
INDEX = re.compile(
    r"://(?!127\.0\.0\.1[:/])|--(?:extra-)?index|--find-links|--trusted-host|^-[if]\b", re.MULTILINE
)


def kept_files(root: Path) -> list[Path]:
    """Give the files that git keeps or would keep; without git, every file."""
    answer = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    inside = answer.returncode == 0 and (root / ".git").exists()
    paths = [root / name for name in answer.stdout.split("\0") if name] if inside else list(root.rglob("*"))
    return sorted(path for path in paths if path.is_file())


def addresses(root: Path) -> list[str]:
    """Give every web address whose host is neither reserved for examples nor one of the cited standards.

    npm writes authors' addresses into its lock; `lock_faults` sees to it that it names no registry.
    """
    faults = []
    for name, text in _texts(root):
        if name.endswith("package-lock.json"):
            continue
        for found in ADDRESS.finditer(text):
            host = found[1].lower().rstrip(".")
            if host not in CITED and not host.endswith(RESERVED) and not _is_placeholder(host):
                faults.append(f"{name}:{_line(text, found)}: names the host {host}")
    return faults


def secrets_in(root: Path) -> list[str]:
    """Give the places that hold a private key in PEM, or a path of one person's machine."""
    faults = []
    for name, text in _texts(root):
        for pattern, what in ((PRIVATE_KEY, "a private key"), (MACHINE_PATH, "a path of one machine")):
            faults += [f"{name}:{_line(text, found)}: holds {what}" for found in pattern.finditer(text)]
    return faults


def leftovers(root: Path) -> list[str]:
    """Give the marks of work that was not finished: conflict marks, notes to oneself, stops of a debugger."""
    return [
        f"{name}:{_line(text, found)}: {found[0].strip()}"
        for name, text in _texts(root)
        if name.endswith((".py", ".md", ".toml", "Makefile", "Dockerfile"))
        and name != "tests/house/strays.py"
        for found in HALF_DONE.finditer(text)
    ]


def lock_faults(root: Path) -> list[str]:
    """Give the lines by which a lock, a recipe or the CI script would tie its user to one package index."""
    kept = {str(path.relative_to(root)): path for path in kept_files(root)}
    faults = []
    for name, path in kept.items():
        if name in ("Makefile", "Dockerfile", ".ci/run") or name.endswith(".lock"):
            # `--no-emit-index-url` keeps an index out of a lock; it names none.
            text = path.read_text(encoding="utf-8").replace("--no-emit-", "")
            found_at = INDEX.finditer(text)
        elif name.endswith("package-lock.json"):
            text = path.read_text(encoding="utf-8")
            found_at = re.finditer(r'"resolved"', text)
        else:
            continue
        faults += [f"{name}:{_line(text, found)}: names a package index" for found in found_at]
    return faults


def _texts(root: Path) -> list[tuple[str, str]]:
    texts = []
    for path in kept_files(root):
        raw = path.read_bytes()[:TEXT_LIMIT]
        if path.suffix not in BINARY and b"\0" not in raw:
            texts.append((str(path.relative_to(root)), raw.decode("utf-8", "replace")))
    return texts


def _is_placeholder(host: str) -> bool:
    # HTTPS://HOST/Q#/ in prose: one word without a dot can't be reached by anyone.
    return "." not in host and not host.startswith("[")


def _line(text: str, found: re.Match[str]) -> int:
    return text.count("\n", 0, found.start()) + 1

"""Private signing keys (签名私钥) as files, and the choice of the one that signs now.

One file for each (authority, use, key): ``<authority>.<use>.<kid>.pem``, PKCS #8, mode 0600, in a directory
of mode 0700. Lines before the PEM say from when until when it signs, and when it was compromised if it
was::

    from: 2026-01-01T00:00:00Z
    until: 2028-01-01T00:00:00Z
    compromised: 2027-03-05T08:00:00Z
    -----BEGIN PRIVATE KEY-----

- A file that others can read is refused, not used with a warning.
- A file is complete when its name appears. Two processes that make the same key at first run end with one.
- The directory is looked at again when it changed, so a new key is used without a restart.

Does not check that a trust list names the key: the window that verifiers go by is the trust list's.
"""

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from ecert.crypto import PrivateKey
from ecert.errors import KeyFault
from ecert.store.private_files import create_private, locked, private_directory, read_private, replace_private

__all__ = ["USES", "KeyFiles", "SigningKey"]

USES = ("licence", "status", "trust")
_NAME = re.compile(r"([0-9A-Z]{18})\.(licence|status|trust)\.([A-Za-z0-9_-]{11})\.pem")
_AUTHORITY = re.compile(r"[0-9A-Z]{18}")
_PEM = b"-----BEGIN "


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A private key with its owner, use and time window."""

    authority: str
    use: str
    key: PrivateKey
    valid_from: datetime
    valid_until: datetime
    compromised_at: datetime | None = None

    def covers(self, at: datetime) -> bool:
        """Whether it signs at this moment."""
        return self.compromised_at is None and self.valid_from <= at < self.valid_until


class KeyFiles:
    """The key directory; it is made when it is missing. Implements the port `Signer`.

    Args:
        directory: Where the files are.

    Raises:
        KeyFault: Others can read the directory or a file in it, or a file is damaged.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = private_directory(directory)
        self._changing = threading.Lock()
        self._seen: int | None = None
        self._keys: dict[tuple[str, str], tuple[SigningKey, ...]] = {}
        self._load()

    def key_for(self, authority: str, use: str, *, at: datetime) -> PrivateKey:
        """The key an authority signs with now: of those whose window covers `at`, the one that began last.

        Raises:
            KeyFault: There is none.
        """
        self._load()
        fitting = [key for key in self._keys.get((authority, use), ()) if key.covers(at)]
        if not fitting:
            self._load(anew=True)
            fitting = [key for key in self._keys.get((authority, use), ()) if key.covers(at)]
        if not fitting:
            known = len(self._keys.get((authority, use), ()))
            raise KeyFault(
                f"expected a {use} key of {authority} in force at {at:%Y-%m-%dT%H:%M:%SZ}, "
                f"got {known} whose window is another"
            )
        return max(fitting, key=lambda key: (key.valid_from, key.key.kid)).key

    def keys_of(self, authority: str, use: str | None = None) -> Sequence[SigningKey]:
        """All keys of an authority, in order of use and beginning."""
        self._load()
        found = [key for use_ in USES if use in (None, use_) for key in self._keys.get((authority, use_), ())]
        return tuple(found)

    def make(
        self, authority: str, use: str, *, valid_from: datetime, valid_until: datetime, alg: str = "ES256"
    ) -> SigningKey:
        """Make a key and its file.

        Raises:
            KeyFault: The authority is no USCC, the use or algorithm is unknown, or the file can't be made.
        """
        if not _AUTHORITY.fullmatch(authority) or use not in USES:
            raise KeyFault(
                f"expected an authority of 18 characters and a use of {', '.join(USES)}, got another"
            )
        if not valid_from < valid_until:
            raise KeyFault("expected a key's window to end after its beginning, got the reverse")
        key = PrivateKey.from_cryptography(_generate(alg))
        made = SigningKey(
            authority=authority, use=use, key=key, valid_from=valid_from, valid_until=valid_until
        )
        create_private(self._path(made), _write(made))
        self._load(anew=True)
        return made

    def ensure(
        self, authority: str, use: str, *, valid_from: datetime, valid_until: datetime, alg: str = "ES256"
    ) -> SigningKey:
        """Give the authority's newest key for a use, making it if there is none, once among all processes."""
        with locked(self.directory / f"{authority}.{use}"):
            self._load(anew=True)
            there = self.keys_of(authority, use)
            if there:
                return there[-1]
            return self.make(authority, use, valid_from=valid_from, valid_until=valid_until, alg=alg)

    def end(self, authority: str, kid: str, *, at: datetime, compromised: bool = False) -> SigningKey:
        """End a key's window, or mark it compromised, at a moment. Verifiers learn of it by the next trust
        list.

        Raises:
            KeyFault: The authority has no such key.
        """
        for old in self.keys_of(authority):
            if old.key.kid == kid:
                ended = SigningKey(
                    authority=authority,
                    use=old.use,
                    key=old.key,
                    valid_from=old.valid_from,
                    valid_until=old.valid_until if compromised else min(at, old.valid_until),
                    compromised_at=at if compromised else old.compromised_at,
                )
                replace_private(self._path(ended), _write(ended))
                self._load(anew=True)
                return ended
        raise KeyFault(f"expected a key of {authority} with the given kid, got none")

    def _path(self, key: SigningKey) -> Path:
        return self.directory / f"{key.authority}.{key.use}.{key.key.kid}.pem"

    def _load(self, *, anew: bool = False) -> None:
        # File times move in steps of milliseconds, so a change made here is read whatever they say.
        if self._stamp() == self._seen and not anew:
            return
        with self._changing:
            stamp = self._stamp()
            found: dict[tuple[str, str], list[SigningKey]] = {}
            for path in sorted(self.directory.iterdir()):
                match = _NAME.fullmatch(path.name)
                if match:
                    key = _read(path, authority=match[1], use=match[2], kid=match[3])
                    found.setdefault((key.authority, key.use), []).append(key)
            self._keys = {
                owner: tuple(sorted(keys, key=lambda key: (key.valid_from, key.key.kid)))
                for owner, keys in found.items()
            }
            self._seen = stamp

    def _stamp(self) -> int:
        try:
            return self.directory.stat().st_mtime_ns
        except OSError as fault:
            raise KeyFault(f"expected the key directory {self.directory}, got {fault.strerror}") from None


def _generate(alg: str) -> object:
    if alg == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    if alg == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    raise KeyFault("expected alg ES256 or EdDSA, got another")


def _write(key: SigningKey) -> bytes:
    lines = [f"from: {_stamp_text(key.valid_from)}", f"until: {_stamp_text(key.valid_until)}"]
    if key.compromised_at is not None:
        lines.append(f"compromised: {_stamp_text(key.compromised_at)}")
    return "\n".join(lines).encode() + b"\n" + key.key.to_pem()


def _read(path: Path, *, authority: str, use: str, kid: str) -> SigningKey:
    heading, mark, pem = read_private(path).partition(_PEM)
    said = dict(
        line.split(": ", 1) for line in heading.decode("utf-8", "replace").splitlines() if ": " in line
    )
    try:
        key = PrivateKey.from_pem(mark + pem)
        window = {name: _stamp_time(said[name]) for name in ("from", "until")}
        compromised = _stamp_time(said["compromised"]) if "compromised" in said else None
    except (KeyError, ValueError):
        raise KeyFault(f"expected lines from: and until: with UTC times in {path.name}, got none") from None
    if key.kid != kid:
        raise KeyFault(f"expected the key that {path.name} is named after, got another")
    return SigningKey(
        authority=authority,
        use=use,
        key=key,
        valid_from=window["from"],
        valid_until=window["until"],
        compromised_at=compromised,
    )


def _stamp_text(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _stamp_time(text: str) -> datetime:
    return datetime.strptime(text.strip(), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)

"""Keys for personal data at rest: AES-256-GCM for what is read back, HMAC-SHA256 for what is only looked up.

- A data key (数据密钥) is 32 random bytes. Two keys are derived from it, one to encrypt and one to hash, so
  that a hash never serves as a key stream or the other way round.
- A row names the data key it was written with; a ring holds every key that rows may still name. The
  **last** one is current: new rows use it, and rotating makes it everybody's.
- What is encrypted is bound to its owner's identifier (additional data): a body copied to another row does
  not open.

The ring is text, one key a line: ``<8 hex digits> <43 characters of base64url>``; ``#`` opens a comment.
The hex digits are the key's fingerprint, so that a damaged line is noticed. In a file it has mode 0600; a
setting may hold it instead, with commas in place of line ends. Does not protect from someone who has the
ring and the database both.

Sources: NIST SP 800-38D (96-bit random nonces: far fewer than 2^32 encryptions a key), RFC 5869, RFC 2104.
"""

import base64
import binascii
import hashlib
import hmac
import os
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ecert.errors import KeyFault
from ecert.store.private_files import create_private, locked, read_private, replace_private

__all__ = ["DataKeyRing", "DataKeys"]

_LINE = re.compile(r"([0-9a-f]{8}) ([A-Za-z0-9_-]{43})")
_MAC_BYTES = 16  # 128 bits: no chance hit among 10^10 rows, and half the index of a whole SHA-256
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class _DataKey:
    id: str
    raw: bytes
    cipher: AESGCM
    lookup: "hmac.HMAC"


class DataKeyRing:
    """Data keys at one moment, the current one last. Never changes, so a key and its name belong together.

    Raises:
        KeyFault: The text is no ring; the line is named.
    """

    def __init__(self, text: str, random_bytes: Callable[[int], bytes]) -> None:
        self._keys = _read_ring(text)
        self._by_id = {key.id: key for key in self._keys}
        self._random = random_bytes
        self.current_id = self._keys[-1].id  # the fingerprint of the key that new rows use
        self.ids = tuple(self._by_id)

    def seal(self, plain: bytes, *, owner: str) -> bytes:
        """Encrypt under the current key, bound to its owner's identifier: nonce, ciphertext, tag."""
        nonce = self._random(_NONCE_BYTES)
        return nonce + self._keys[-1].cipher.encrypt(nonce, plain, owner.encode())

    def open_sealed(self, sealed: bytes, *, key_id: str, owner: str) -> bytes:
        """Decrypt what `seal` made.

        Raises:
            KeyFault: The key is not in the ring, or these bytes are not this owner's under this key.
        """
        cipher = self._find(key_id).cipher
        try:
            return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], owner.encode())
        except (InvalidTag, ValueError):
            raise KeyFault(
                f"expected data of this row under data key {key_id}, got other or changed bytes"
            ) from None

    def mac(self, *parts: str, key_id: str | None = None) -> bytes:
        """Hash text for look-up, under the current or a named key: 16 bytes. Parts can't run together."""
        running = (self._keys[-1] if key_id is None else self._find(key_id)).lookup.copy()
        running.update("\0".join(parts).encode())
        return running.digest()[:_MAC_BYTES]

    def macs(self, *parts: str) -> tuple[bytes, ...]:
        """Hash text under every key, the current one last: rows not rotated yet are found as well."""
        return tuple(self.mac(*parts, key_id=key.id) for key in self._keys)

    def _find(self, key_id: str) -> _DataKey:
        found = self._by_id.get(key_id)
        if found is None:
            raise KeyFault(f"expected data key {key_id} in the ring, got {len(self._keys)} others")
        return found


class DataKeys:
    """The data keys of a process: a ring from a setting, or from a file that other processes may add to.

    Safe to use from many threads. What belongs together is done with one `ring`.

    Args:
        text: The ring as described above; at least one key.
        random_bytes: Gives nonces and new keys.
    """

    def __init__(self, text: str, *, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        self._random = random_bytes
        self._path: Path | None = None
        self._seen: tuple[int, int, int] | None = None
        self._changing = threading.Lock()
        self.ring = DataKeyRing(text, random_bytes)

    @classmethod
    def open(cls, path: Path, *, random_bytes: Callable[[int], bytes] = os.urandom) -> "DataKeys":
        """Open the ring kept in a file, making it with one new key at first run.

        Raises:
            KeyFault: The file can't be made or read, others may read it, or it is damaged.
        """
        if not path.exists():
            try:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as fault:
                raise KeyFault(f"expected a directory for {path.name}, got {fault.strerror}") from None
            create_private(path, (_HEADING + _line(random_bytes(32))).encode())
        stamp = _stamp(path)
        keys = cls(read_private(path).decode("utf-8", "replace"), random_bytes=random_bytes)
        keys._path, keys._seen = path, stamp
        return keys

    @property
    def current_id(self) -> str:
        """The fingerprint of the key that new rows use."""
        return self.ring.current_id

    @property
    def ids(self) -> tuple[str, ...]:
        """The fingerprints of all keys, the current one last."""
        return self.ring.ids

    def refresh(self) -> None:
        """Read the file again if it changed, so that a key added by another process is known here.

        Raises:
            KeyFault: The file changed and can't be read any more. The keys known so far stay.
        """
        path = self._path
        if path is None or _stamp(path) == self._seen:
            return
        with self._changing:
            stamp = _stamp(path)
            self.ring = DataKeyRing(read_private(path).decode("utf-8", "replace"), self._random)
            self._seen = stamp

    def add(self) -> str:
        """Add a new key to the file and make it current; rows follow when the registry is rotated.

        Returns:
            The new key's fingerprint.

        Raises:
            KeyFault: The ring is a setting, not a file: add a line to the setting instead.
        """
        path = self._path
        if path is None:
            raise KeyFault("expected data keys in a file, got a setting: append a new key to the setting")
        with locked(path):
            raw = self._random(32)
            text = read_private(path).decode("utf-8", "replace").rstrip("\n")
            replace_private(path, f"{text}\n{_line(raw)}".encode())
        self.refresh()
        return _fingerprint(raw)

    def open_sealed(self, sealed: bytes, *, key_id: str, owner: str) -> bytes:
        """Decrypt, looking at the file again when it is about a key that is not known here yet.

        Raises:
            KeyFault: There is no such key, or these bytes are not this owner's under it.
        """
        if key_id not in self.ring.ids:
            self.refresh()
        return self.ring.open_sealed(sealed, key_id=key_id, owner=owner)


_HEADING = (
    "# Data keys of this ecert registry, the current one last. With this file and the database every\n"
    "# licence can be read; without it none can. Keep a copy apart from the database's backups.\n"
)


def _read_ring(text: str) -> tuple[_DataKey, ...]:
    ring: list[_DataKey] = []
    lines = [
        part for line in text.splitlines() for part in ([""] if line.startswith("#") else line.split(","))
    ]
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise KeyFault(f"expected 8 hex digits and 43 base64url characters in data key line {number}")
        try:
            raw = base64.b64decode(match[2] + "=", altchars=b"-_", validate=True)
        except binascii.Error:
            raise KeyFault(f"expected base64url in data key line {number}") from None
        if _fingerprint(raw) != match[1]:
            raise KeyFault(
                f"expected the key of fingerprint {match[1]} in data key line {number}, got another"
            )
        ring.append(_derive(raw))
    if not ring:
        raise KeyFault("expected at least one data key, got none")
    if len({key.id for key in ring}) != len(ring):
        raise KeyFault("expected each data key once, got one twice")
    return tuple(ring)


def _derive(raw: bytes) -> _DataKey:
    def part(purpose: bytes) -> bytes:
        return HKDF(
            algorithm=hashes.SHA256(), length=32, salt=None, info=b"ecert data key 1 " + purpose
        ).derive(raw)

    return _DataKey(
        id=_fingerprint(raw),
        raw=raw,
        cipher=AESGCM(part(b"encrypt")),
        lookup=hmac.new(part(b"look up"), digestmod=hashlib.sha256),
    )


def _fingerprint(raw: bytes) -> str:
    return hashlib.sha256(b"ecert data key 1 " + raw).hexdigest()[:8]


def _line(raw: bytes) -> str:
    return f"{_fingerprint(raw)} {base64.urlsafe_b64encode(raw).decode().rstrip('=')}\n"


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino, status.st_size

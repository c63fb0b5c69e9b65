"""Clients (接入方) and their keys: made, withdrawn, and recognised.

- A key is `ecert_<role>_` and 256 random bits. It is shown once; kept is its SHA-256.
- A caller is looked up by that hash in a snapshot of this process. Comparing hashes of a 256-bit secret by a
  dictionary tells an attacker nothing that helps to guess it.
- The snapshot is as old as the last `refresh`, which a thread of the caller's runs at least every 2 seconds:
  within that time a withdrawn key stops working everywhere. Without any snapshot nobody is let in.
"""

import re
from collections.abc import Mapping, Sequence
from hashlib import sha256

from ecert.errors import FieldFault, IdentifierFault
from ecert.licence import Uscc
from ecert.services.ports import Actor, ClientRecord, ClientStore, Clock, NewClient, RandomBytes, Role
from ecert.wire import b64

__all__ = ["MAX_NAME", "Clients"]

MAX_NAME = 80
_LONGEST_SECRET = 128
_CLIENT_ID = re.compile(r"c[0-9a-f]{16}")


class Clients:
    """The service of clients.

    Args:
        store: Where they are kept.
        clock: Gives the time, timezone-aware UTC.
        random_bytes: Gives ids and secrets.
    """

    def __init__(self, store: ClientStore, *, clock: Clock, random_bytes: RandomBytes) -> None:
        self._store = store
        self._clock = clock
        self._random = random_bytes
        self._active: Mapping[bytes, Actor] = {}

    def create(self, name: str, role: Role, authority: str | None = None) -> tuple[str, str]:
        """Make a client.

        Args:
            name: What people call it.
            role: What it may do.
            authority: The USCC that a department acts for; other roles have none.

        Returns:
            The client's id, and its secret, which nobody can show again.

        Raises:
            FieldFault: A name that is empty, too long or not printable, or an authority where none belongs,
                or none where one does.
            Unavailable: SQL can't be reached.
        """
        if not 1 <= len(name) <= MAX_NAME or not name.isprintable() or name != name.strip():
            raise FieldFault("name", f"expected 1 to {MAX_NAME} printable characters")
        if (role is Role.DEPARTMENT) != (authority is not None):
            raise FieldFault(
                "authority", "expected the department's code for a department, and none for others"
            )
        if authority is not None:
            try:
                authority = str(Uscc.parse(authority))
            except IdentifierFault:
                raise FieldFault(
                    "authority", "expected a unified social credit code of 18 characters"
                ) from None
        client_id = f"c{self._random(8).hex()}"
        secret = f"ecert_{role.value}_{b64.encode(self._random(32))}"
        record = ClientRecord(
            client_id=client_id,
            name=name,
            role=role,
            authority=authority,
            created_at=self._clock(),
            withdrawn_at=None,
        )
        self._store.add(NewClient(record=record, secret_hash=_hash(secret)))
        self.refresh()
        return client_id, secret

    def withdraw(self, client_id: str) -> bool:
        """Withdraw a client: at once here, within 2 seconds elsewhere; False when there is no such client."""
        if not _CLIENT_ID.fullmatch(client_id):
            return False
        done = self._store.withdraw(client_id, at=self._clock())
        self.refresh()
        return done

    def list(self) -> Sequence[ClientRecord]:
        """Every client, withdrawn ones included, oldest first."""
        return self._store.all()

    def refresh(self) -> None:
        """Take a new snapshot.

        Raises:
            Unavailable: SQL can't be reached; the snapshot stays as it was.
        """
        self._active = {
            secret_hash: Actor(client_id=client.client_id, role=client.role, authority=client.authority)
            for secret_hash, client in self._store.active().items()
        }

    def authenticate(self, secret: str) -> Actor | None:
        """Say who has this secret; None for nobody. Asks nothing but the snapshot."""
        if not secret.isascii() or len(secret) > _LONGEST_SECRET:
            return None
        return self._active.get(_hash(secret))


def _hash(secret: str) -> bytes:
    return sha256(secret.encode()).digest()

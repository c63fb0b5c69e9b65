"""Compare what was signed with what is on record (对账): every issued row has a good token and its event.

Says nothing of a signature that was made elsewhere with a stolen key: no record of it exists. Such a licence
is refused because its status entry was never issued.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ecert.errors import EcertError
from ecert.services.ports import LicenceRecord, LicenceState, RegistryReading, StatusValue
from ecert.trust import TrustTable
from ecert.wire import json, jws, sd_jwt

__all__ = ["Difference", "reconcile"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One licence that is not as it should be, and what was expected of it."""

    licence_id: str
    expected: str


def reconcile(registry: RegistryReading, *, trust: Callable[[], TrustTable]) -> Sequence[Difference]:
    """Go through the whole registry.

    Returns:
        What differs, empty when all is well. A row that is reserved or abandoned is a difference only if it
        has an event or a token.

    Raises:
        Unavailable: SQL can't be reached.
        KeyFault: A row can't be decrypted with the data keys at hand.
    """
    table = trust()
    return [
        Difference(licence_id=record.licence_id, expected=expected)
        for batch in registry.walk()
        for record, event_value in batch
        for expected in _faults(record, event_value, table)
    ]


def _faults(record: LicenceRecord, event_value: int | None, table: TrustTable) -> Iterator[str]:
    if record.state is not LicenceState.ISSUED:
        if record.token is not None or event_value is not None or record.value != StatusValue.NEVER_ISSUED:
            yield "no token, no event and no status while it is not issued"
        return
    if event_value is None:
        yield "a status event"
    elif event_value != record.value:
        yield "the status that its newest event gave it"
    if record.token is None:
        yield "a token"
    elif not _is_signed_as_recorded(record, record.token, table):
        yield "a token over its own identifier and status entry, signed by a listed key of its issuer"


def _is_signed_as_recorded(record: LicenceRecord, token: str, table: TrustTable) -> bool:
    try:
        jwt = sd_jwt.split(token).jwt
        kid = str(jws.read_compact(jwt).header.get("kid"))
        listed = table.find(record.issuer, kid)
        if listed is None:
            return False
        _, payload = jws.verify_compact(jwt, listed.key)
        claims = json.loads(payload)
        if not isinstance(claims, dict):
            return False
        entry = claims["status"]["status_list"]
        return bool(
            claims["jti"] == record.licence_id
            and claims["iss"] == f"uscc:{record.issuer}"
            and entry["idx"] == record.idx
            and entry["uri"].endswith(f"/status-lists/{record.list_id}")
        )
    except (EcertError, KeyError, TypeError, AttributeError):
        return False

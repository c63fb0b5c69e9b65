"""What was scanned (出示的内容), read down to the parts of a presentation: step 1.

- A token is taken as it is. Anything else is read as a QR text, of which only the trailing digits matter.
- Nothing is repaired. Text that is neither says which of the two it failed to be.
"""

from dataclasses import dataclass
from typing import Final, NoReturn

from ecert.errors import Malformed, TooLarge, WrongTokenType
from ecert.wire import jws, qr, sd_jwt

__all__ = ["LICENCE_TYP", "MAX_EVIDENCE", "Evidence", "read"]

LICENCE_TYP: Final = "dc+sd-jwt"
MAX_EVIDENCE: Final = 16 * 1024
_COMPACT: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")


@dataclass(frozen=True, slots=True)
class Evidence:
    """One scan: the text of a QR code or a token, as it came. Untrusted, at most 16 KiB."""

    raw: str | bytes


def read(raw: str | bytes) -> sd_jwt.Presentation | qr.ShortCode:
    """Read one scan.

    Returns:
        The parts of a presentation, nothing of them verified; or a short code, which only a registry can look
        up.

    Raises:
        InputError: `misread`, `malformed`, `too_large`, or `wrong_token_type` for another token of the JOSE
            family.
    """
    if not isinstance(raw, (str, bytes)):
        raise Malformed("expected text or bytes, another type came")
    if len(raw) > MAX_EVIDENCE:
        raise TooLarge(f"expected at most {MAX_EVIDENCE} bytes, more came")
    if isinstance(raw, bytes):
        try:
            raw = raw.decode("utf-8")
        except UnicodeDecodeError:
            raise Malformed("expected text in UTF-8, other bytes came") from None
    found = raw if "~" in raw else qr.read(raw)
    if not isinstance(found, str):
        return found
    if "~" not in found:
        _refuse_compact(found)
    presented = sd_jwt.split(found)
    if presented.key_binding is not None and not _COMPACT.issuperset(presented.key_binding):
        raise Malformed("expected the holder's proof in compact form, another character came")
    return presented


def _refuse_compact(token: str) -> NoReturn:
    """Refuse a JOSE object without the ~ of a licence, and say what it is if it says so itself."""
    if jws.read_compact(token).header.get("typ") != LICENCE_TYP:
        raise WrongTokenType(f"expected a token of typ {LICENCE_TYP}, another kind came")
    raise Malformed("expected a ~ after the issuer's token, none came")

"""EdDSA: Ed25519 alone (RFC 8032 section 5.1, RFC 8037).

Keys that make a signature mean nothing are refused when they are read: points of small order, encodings that
are not canonical, and numbers that are no point of the curve. Not checked: that a point lies in the subgroup
of prime order; a key of mixed order is its owner's own folly and forges nothing for others.
"""

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ecert.errors import BadSignature, KeyFault

__all__ = ["EdDsa"]

_P: Final = 2**255 - 19
_D: Final = -121665 * pow(121666, -1, _P) % _P
# The points of order 8 share this y and its negative; orders 1, 2 and 4 have y = 1, -1 and 0.
_Y_ORDER_8: Final = int("7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7", 16)
_Y_SMALL_ORDER: Final = frozenset({0, 1, _P - 1, _Y_ORDER_8, _P - _Y_ORDER_8})


def _check_point(encoded: bytes) -> None:
    number = int.from_bytes(encoded, "little")
    y = number & (2**255 - 1)
    if y >= _P:
        raise KeyFault("expected a canonical Ed25519 point, another spelling came")
    if y in _Y_SMALL_ORDER:
        raise KeyFault("expected an Ed25519 point of large order, one of small order came")
    # x² = (y² - 1) / (d·y² + 1) must have a root (RFC 8032 section 5.1.3); x = 0 means y = ±1, refused above.
    u, v = (y * y - 1) % _P, (_D * y * y + 1) % _P
    root = u * pow(v, 3, _P) * pow(u * pow(v, 7, _P), (_P - 5) // 8, _P) % _P
    if v * root * root % _P not in (u, _P - u):
        raise KeyFault("expected a point on Ed25519, another came")


class EdDsa:
    """The suite of EdDSA signatures by Ed25519 keys."""

    __slots__ = ()

    alg: Final = "EdDSA"
    key_algs: Final = frozenset({"EdDSA", "Ed25519"})
    kty: Final = "OKP"
    crv: Final = "Ed25519"
    coordinates: Final = ("x",)

    def load_public(self, *coordinates: bytes) -> Ed25519PublicKey:
        """Parse the point; KeyFault when it isn't a usable one."""
        (x,) = coordinates
        _check_point(x)
        try:
            return Ed25519PublicKey.from_public_bytes(x)
        except ValueError:
            raise KeyFault("expected an Ed25519 public key, another came") from None

    def split_public(self, public: Ed25519PublicKey) -> tuple[bytes]:
        """Give the encoded point, 32 bytes."""
        return (public.public_bytes_raw(),)

    def adopt_public(self, parsed: object) -> Ed25519PublicKey | None:
        """Take an Ed25519 public key, checked as one from a JWK; None for any other kind."""
        if not isinstance(parsed, Ed25519PublicKey):
            return None
        _check_point(parsed.public_bytes_raw())
        return parsed

    def adopt_private(self, parsed: object) -> Ed25519PrivateKey | None:
        """Take an Ed25519 private key; None for any other kind."""
        return parsed if isinstance(parsed, Ed25519PrivateKey) else None

    def public_of(self, private: Ed25519PrivateKey) -> Ed25519PublicKey:
        """Give the public half."""
        return private.public_key()

    def verify(self, public: Ed25519PublicKey, signature: bytes, message: bytes) -> None:
        """Raise BadSignature unless R‖S belongs to the message and the key."""
        if len(signature) != 64:
            raise BadSignature("expected a signature of 64 bytes, another length came")
        try:
            public.verify(signature, message)
        except InvalidSignature:
            raise BadSignature("expected an EdDSA signature by this key, it does not verify") from None

    def sign(self, private: Ed25519PrivateKey, message: bytes) -> bytes:
        """Sign; the result is R‖S."""
        return private.sign(message)

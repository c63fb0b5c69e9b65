"""ES256: ECDSA on P-256 with SHA-256 (RFC 7518 section 3.4).

A signature is r‖s, 64 bytes. Both (r, s) and (r, n-s) verify, as the standard says: whoever counts licences
counts them by identifier, never by the bytes of a token.
"""

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from ecert.errors import BadSignature, KeyFault

__all__ = ["Es256"]

_ECDSA_SHA256: Final = ec.ECDSA(SHA256())


def _der(signature: bytes) -> bytes:
    """Turn r‖s into the DER that OpenSSL wants; by hand where both have full length, which is cheaper."""
    r, s = signature[:32], signature[32:]
    if r[0] and s[0]:
        if r[0] < 0x80:
            if s[0] < 0x80:
                return b"\x30\x44\x02\x20" + r + b"\x02\x20" + s
            return b"\x30\x45\x02\x20" + r + b"\x02\x21\x00" + s
        if s[0] < 0x80:
            return b"\x30\x45\x02\x21\x00" + r + b"\x02\x20" + s
        return b"\x30\x46\x02\x21\x00" + r + b"\x02\x21\x00" + s
    return encode_dss_signature(int.from_bytes(r), int.from_bytes(s))


class Es256:
    """The suite of ES256 signatures by P-256 keys."""

    __slots__ = ()

    alg: Final = "ES256"
    key_algs: Final = frozenset({"ES256"})
    kty: Final = "EC"
    crv: Final = "P-256"
    coordinates: Final = ("x", "y")

    def load_public(self, *coordinates: bytes) -> ec.EllipticCurvePublicKey:
        """Parse the point; KeyFault when it isn't on the curve or a coordinate is not below the prime."""
        x, y = coordinates
        try:
            return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + x + y)
        except ValueError:
            raise KeyFault("expected a point on P-256, another came") from None

    def split_public(self, public: ec.EllipticCurvePublicKey) -> tuple[bytes, bytes]:
        """Give x and y, 32 bytes each."""
        numbers = public.public_numbers()
        return numbers.x.to_bytes(32), numbers.y.to_bytes(32)

    def adopt_public(self, parsed: object) -> ec.EllipticCurvePublicKey | None:
        """Take a P-256 public key; None for any other."""
        if isinstance(parsed, ec.EllipticCurvePublicKey) and isinstance(parsed.curve, ec.SECP256R1):
            return parsed
        return None

    def adopt_private(self, parsed: object) -> ec.EllipticCurvePrivateKey | None:
        """Take a P-256 private key; None for any other."""
        if isinstance(parsed, ec.EllipticCurvePrivateKey) and isinstance(parsed.curve, ec.SECP256R1):
            return parsed
        return None

    def public_of(self, private: ec.EllipticCurvePrivateKey) -> ec.EllipticCurvePublicKey:
        """Give the public half."""
        return private.public_key()

    def verify(self, public: ec.EllipticCurvePublicKey, signature: bytes, message: bytes) -> None:
        """Raise BadSignature unless r‖s belongs to the message and the key."""
        if len(signature) != 64:
            raise BadSignature("expected a signature of 64 bytes, another length came")
        try:
            public.verify(_der(signature), message, _ECDSA_SHA256)
        except InvalidSignature:
            raise BadSignature("expected an ES256 signature by this key, it does not verify") from None

    def sign(self, private: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
        """Sign; the result is r‖s. The nonce comes from OpenSSL."""
        r, s = decode_dss_signature(private.sign(message, _ECDSA_SHA256))
        return r.to_bytes(32) + s.to_bytes(32)

"""Keys (密钥): read strictly, named by thumbprint, able to do one thing with one algorithm.

- An algorithm belongs to the key. A token's ``alg`` is compared with it and never chosen by.
- A public key is made only from a JWK or a PEM that passed every check; there is no half-valid key.
- Not checked here: whose key it is and from when until when. That is the trust list's matter.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final, Self

from cryptography.exceptions import UnsupportedAlgorithm as PemUnsupported
from cryptography.hazmat.primitives import serialization as pem

from ecert.crypto import base64url
from ecert.crypto.suites import SUITES, Suite
from ecert.errors import KeyFault, Malformed, UnsupportedAlgorithm

__all__ = ["PrivateKey", "PublicKey"]

_KID_LENGTH: Final = 11
_MAX_PEM_BYTES: Final = 16 * 1024
_SECRET_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"})
_BY_CURVE: Final[Mapping[tuple[str, str], Suite]] = {
    (suite.kty, suite.crv): suite for suite in SUITES.values()
}
_KTYS: Final = frozenset(suite.kty for suite in SUITES.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """A public key (公钥) and the one algorithm it checks. Made by `from_jwk` or `from_pem`."""

    alg: str
    """The ``alg`` of the tokens that it verifies."""
    thumbprint: str
    """RFC 7638 thumbprint with SHA-256: 43 characters of base64url."""
    _suite: Suite = field(repr=False, compare=False)
    _handle: Any = field(repr=False, compare=False)

    @property
    def kid(self) -> str:
        """The key's short name inside its issuer: the first 11 characters of the thumbprint."""
        return self.thumbprint[:_KID_LENGTH]

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, object]) -> Self:
        """Read a public key from a JWK (a parsed JSON object).

        Members that say nothing about fitness (``kid``, ``x5c`` and unknown ones) are not used.

        Args:
            jwk: The object. Untrusted.

        Returns:
            The key.

        Raises:
            UnsupportedAlgorithm: ``kty`` or ``crv`` outside the suites.
            KeyFault: A member is missing, has the wrong type, length or spelling; the point is unusable;
                private members are there; or ``use``, ``key_ops`` or ``alg`` says that it is for other work.

        Sources: RFC 7517 section 4; RFC 7518 section 6.2; RFC 8037 section 2.
        """
        suite = _suite_of(jwk)
        _check_fitness(jwk, suite)
        return cls._of(suite, suite.load_public(*(_coordinate(jwk, name) for name in suite.coordinates)))

    @classmethod
    def from_pem(cls, data: bytes) -> Self:
        """Read a public key from PEM (SubjectPublicKeyInfo).

        Raises:
            UnsupportedAlgorithm: A key of a kind outside the suites.
            KeyFault: Not a PEM public key.
        """
        if len(data) > _MAX_PEM_BYTES:
            raise KeyFault(f"expected at most {_MAX_PEM_BYTES} bytes of PEM, more came")
        try:
            parsed = pem.load_pem_public_key(data)
        except (ValueError, TypeError):
            raise KeyFault("expected a PEM public key, something else came") from None
        except PemUnsupported:
            raise UnsupportedAlgorithm("expected a key of a known suite, another kind came") from None
        for suite in SUITES.values():
            handle = suite.adopt_public(parsed)
            if handle is not None:
                return cls._of(suite, handle)
        raise UnsupportedAlgorithm("expected a key of a known suite, another kind came")

    @classmethod
    def _of(cls, suite: Suite, handle: Any) -> Self:
        members = _members(suite, handle)
        # RFC 7638 section 3: required members only, in lexicographic order, no white space.
        text = ",".join(f'"{name}":"{members[name]}"' for name in sorted(members))
        thumbprint = base64url.encode(sha256(f"{{{text}}}".encode("ascii")).digest())
        return cls(alg=suite.alg, thumbprint=thumbprint, _suite=suite, _handle=handle)

    def to_jwk(self) -> dict[str, str]:
        """Write the required public members, and nothing else."""
        return _members(self._suite, self._handle)

    def verify(self, signature: bytes, message: bytes) -> None:
        """Check one signature.

        Args:
            signature: The fixed-length form of JOSE (64 bytes for both suites). Untrusted.
            message: What was signed.

        Raises:
            BadSignature: It does not belong to the message and this key, whatever is wrong with it.
        """
        self._suite.verify(self._handle, signature, message)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateKey:
    """A private key (私钥). Its text form never appears in `repr`; `to_pem` is the only way to see it."""

    public: PublicKey
    """The public half."""
    _suite: Suite = field(repr=False, compare=False)
    _handle: Any = field(repr=False, compare=False)

    @property
    def alg(self) -> str:
        """The ``alg`` of the tokens that it signs."""
        return self.public.alg

    @property
    def kid(self) -> str:
        """The public half's short name."""
        return self.public.kid

    @classmethod
    def from_cryptography(cls, parsed: object) -> Self:
        """Take a private key object of the ``cryptography`` package.

        Raises:
            UnsupportedAlgorithm: A key of a kind outside the suites.
        """
        for suite in SUITES.values():
            handle = suite.adopt_private(parsed)
            if handle is not None:
                public = PublicKey._of(suite, suite.public_of(handle))
                return cls(public=public, _suite=suite, _handle=handle)
        raise UnsupportedAlgorithm("expected a private key of a known suite, another kind came")

    @classmethod
    def from_pem(cls, data: bytes, password: bytes | None = None) -> Self:
        """Read a private key from PEM.

        Raises:
            UnsupportedAlgorithm: A key of a kind outside the suites.
            KeyFault: Not a PEM private key, or the password is wrong, missing or not needed.
        """
        if len(data) > _MAX_PEM_BYTES:
            raise KeyFault(f"expected at most {_MAX_PEM_BYTES} bytes of PEM, more came")
        try:
            parsed = pem.load_pem_private_key(data, password)
        except (ValueError, TypeError):
            raise KeyFault("expected a PEM private key and its password, something else came") from None
        except PemUnsupported:
            raise UnsupportedAlgorithm("expected a private key of a known suite, another kind came") from None
        return cls.from_cryptography(parsed)

    def to_pem(self, password: bytes | None = None) -> bytes:
        """Write PKCS #8 PEM, encrypted when a password is given. The caller guards where it goes."""
        encryption = pem.BestAvailableEncryption(password) if password else pem.NoEncryption()
        text: bytes = self._handle.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, encryption)
        return text

    def sign(self, message: bytes) -> bytes:
        """Sign in the fixed-length form of JOSE."""
        return self._suite.sign(self._handle, message)


def _members(suite: Suite, handle: Any) -> dict[str, str]:
    points = zip(suite.coordinates, suite.split_public(handle), strict=True)
    return {"kty": suite.kty, "crv": suite.crv} | {name: base64url.encode(part) for name, part in points}


def _suite_of(jwk: Mapping[str, object]) -> Suite:
    if not isinstance(jwk, Mapping):
        raise KeyFault("expected a JWK object, another type came")
    kty, crv = jwk.get("kty"), jwk.get("crv")
    if not isinstance(kty, str):
        raise KeyFault("expected kty to be a string, another type came or none")
    if kty not in _KTYS:
        raise UnsupportedAlgorithm("expected kty EC or OKP, another came")
    if not isinstance(crv, str):
        raise KeyFault("expected crv to be a string, another type came or none")
    suite = _BY_CURVE.get((kty, crv))
    if suite is None:
        raise UnsupportedAlgorithm("expected crv P-256 for EC or Ed25519 for OKP, another came")
    return suite


def _check_fitness(jwk: Mapping[str, object], suite: Suite) -> None:
    if not _SECRET_MEMBERS.isdisjoint(jwk):
        raise KeyFault("expected a public key, private members came")
    if not isinstance(jwk.get("kid", ""), str):
        raise KeyFault("expected kid to be a string, another type came")
    if jwk.get("use", "sig") != "sig":
        raise KeyFault("expected use to be sig, another came")
    if "alg" in jwk and not (isinstance(jwk["alg"], str) and jwk["alg"] in suite.key_algs):
        raise KeyFault(f"expected alg to fit {suite.alg}, another came")
    operations = jwk.get("key_ops", ["verify"])
    if not isinstance(operations, list) or not all(isinstance(operation, str) for operation in operations):
        raise KeyFault("expected key_ops to be a list of strings, another type came")
    if "verify" not in operations or len(set(operations)) != len(operations):
        raise KeyFault("expected key_ops with verify and without repetition, another list came")


def _coordinate(jwk: Mapping[str, object], name: str) -> bytes:
    text = jwk.get(name)
    if not isinstance(text, str):
        raise KeyFault(f"expected {name} to be a string, another type came or none")
    try:
        part = base64url.decode(text) if len(text) == 43 else b""
    except Malformed:
        part = b""
    if len(part) != 32:
        raise KeyFault(f"expected {name} to be 43 characters of base64url, another spelling came")
    return part

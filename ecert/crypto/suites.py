"""Signature suites (签名算法套件): the closed set of algorithms, each tied to the one kind of key it takes.

- A suite never looks at a token. Which suite checks a signature is decided by the key alone.
- Signatures are in the fixed-length form of JOSE; any other length is a bad signature.
- Another suite (SM2, say) joins by one more entry in `SUITES`; nothing else names an algorithm.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Protocol

from ecert.crypto.eddsa import EdDsa
from ecert.crypto.es256 import Es256

__all__ = ["SUITES", "Suite"]


class Suite(Protocol):
    """One algorithm and its keys. Handles are the suite's own parsed key objects, opaque to everyone else."""

    @property
    def alg(self) -> str:
        """The ``alg`` of a JOSE header."""
        ...

    @property
    def key_algs(self) -> frozenset[str]:
        """What a JWK may say as its own ``alg``."""
        ...

    @property
    def kty(self) -> str:
        """The ``kty`` of its JWKs."""
        ...

    @property
    def crv(self) -> str:
        """The ``crv`` of its JWKs."""
        ...

    @property
    def coordinates(self) -> tuple[str, ...]:
        """The JWK members that hold the point, each 32 bytes."""
        ...

    def load_public(self, *coordinates: bytes) -> Any:
        """Parse and check a public key; KeyFault when it isn't a usable point of the curve."""
        ...

    def split_public(self, public: Any) -> tuple[bytes, ...]:
        """Give the coordinates back."""
        ...

    def adopt_public(self, parsed: object) -> Any | None:
        """Take a public key that a PEM reader parsed; None when it belongs to another suite."""
        ...

    def adopt_private(self, parsed: object) -> Any | None:
        """Take a private key that a PEM reader parsed; None when it belongs to another suite."""
        ...

    def public_of(self, private: Any) -> Any:
        """Give the public half."""
        ...

    def verify(self, public: Any, signature: bytes, message: bytes) -> None:
        """Raise BadSignature unless the signature belongs to the message and the key."""
        ...

    def sign(self, private: Any, message: bytes) -> bytes:
        """Sign, in the fixed-length form."""
        ...


_ALL: Final[tuple[Suite, ...]] = (Es256(), EdDsa())

SUITES: Final[Mapping[str, Suite]] = MappingProxyType({suite.alg: suite for suite in _ALL})
"""Every suite by the ``alg`` of a JOSE header."""

"""base64url as it stands in tokens: no padding, one spelling only. Written in `ecert.crypto.base64url`."""

from ecert.crypto.base64url import decode, encode

__all__ = ["decode", "encode"]

"""Suites and keys (密码算法与密钥): an algorithm belongs to the key, never to the token."""

from ecert.crypto import base64url
from ecert.crypto.keys import PrivateKey, PublicKey
from ecert.crypto.suites import SUITES, Suite

__all__ = ["SUITES", "PrivateKey", "PublicKey", "Suite", "base64url"]

"""Adapters (存储): SQL as the truth, Redis as the status cache, key files, and the same ports in memory.

The SQL adapters are in `ecert.store.sql`, those of the status cache in modules of their own: a process that
needs only one of them loads only that one.
"""

from ecert.store.data_keys import DataKeys
from ecert.store.keyfiles import KeyFiles, SigningKey

__all__ = ["DataKeys", "KeyFiles", "SigningKey"]

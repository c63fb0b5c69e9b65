"""The truth (证照库): licences, status events, clients, trust lists and leases in SQLite or PostgreSQL."""

from ecert.store.sql.clients import SqlClients
from ecert.store.sql.database import Database
from ecert.store.sql.leases import SqlLeases
from ecert.store.sql.migrate import head_revision, migrate
from ecert.store.sql.registry import SqlRegistry
from ecert.store.sql.rotation import Rotated, rotate
from ecert.store.sql.status_log import SqlStatusLog
from ecert.store.sql.trust_lists import SqlTrustLists

__all__ = [
    "Database",
    "Rotated",
    "SqlClients",
    "SqlLeases",
    "SqlRegistry",
    "SqlStatusLog",
    "SqlTrustLists",
    "head_revision",
    "migrate",
    "rotate",
]

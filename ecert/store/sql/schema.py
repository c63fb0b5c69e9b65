"""The tables of the registry, the same for SQLite and PostgreSQL.

- `licences` never changes once a row is issued; where it stands is in the narrow `status_entries`, which
  reads fast.
- `status_events` only grows. It is the history, and the outbox that the relay reads: `seq` comes from a
  one-row counter in the same transaction, so numbers are without gaps and in the order of commits.
- What tells about a person is in `body` and `reason`, encrypted, and in `number_mac`, `holder_mac` and
  `digest_mac`, hashed with a key; `data_key_id` says which. Nothing else in these tables names a holder.
- Times are whole microseconds since 1970 UTC, because SQLite has no type for them.
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

__all__ = [
    "clients",
    "counters",
    "leases",
    "licences",
    "metadata",
    "micros",
    "moment",
    "requests",
    "status_entries",
    "status_events",
    "status_lists",
    "trust_lists",
]

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_Big = BigInteger().with_variant(Integer, "sqlite")  # only INTEGER is SQLite's own row number
# Identifiers are compared byte by byte everywhere: a range over them must not depend on the database's
# language.
_Id = Text().with_variant(Text(collation="C"), "postgresql")

counters = Table(
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", _Big, nullable=False),
)

status_lists = Table(
    "status_lists",
    metadata,
    Column("n", Integer, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("issuer", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("size", Integer, nullable=False),
    Column("next", Integer, nullable=False),
    Column("permutation_key", LargeBinary, nullable=False),
    UniqueConstraint("issuer", "number"),
    CheckConstraint("next >= 0 AND next <= size", name="next"),
)

licences = Table(
    "licences",
    metadata,
    Column("n", _Big, primary_key=True, autoincrement=False),
    Column("id", _Id, nullable=False, unique=True),
    Column("version", Integer, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("type_code", Text, nullable=False),
    Column("number_mac", LargeBinary, nullable=False),
    Column("holder_mac", LargeBinary, nullable=False, index=True),
    Column("handle_hash", LargeBinary, nullable=False, unique=True),
    Column("state", SmallInteger, nullable=False),
    Column("list", Integer, ForeignKey("status_lists.n"), nullable=False),
    Column("idx", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("data_key_id", Text, nullable=False),
    Column("created_at", _Big, nullable=False),
    Column("issued_at", _Big),
    UniqueConstraint("number_mac", "version"),
    CheckConstraint("state IN (0, 1, 2)", name="state"),
)
Index(
    "ix_licences_reserved",
    licences.c.created_at,
    sqlite_where=text("state = 0"),
    postgresql_where=text("state = 0"),
)

status_entries = Table(
    "status_entries",
    metadata,
    Column("list", Integer, ForeignKey("status_lists.n"), primary_key=True, autoincrement=False),
    Column("idx", Integer, primary_key=True, autoincrement=False),
    Column("licence", _Big, ForeignKey("licences.n"), nullable=False),
    Column("standing", SmallInteger, nullable=False),
    CheckConstraint("standing IN (0, 2, 3, 4, 5, 6, 7)", name="standing"),
    sqlite_with_rowid=False,
)

status_events = Table(
    "status_events",
    metadata,
    Column("seq", _Big, primary_key=True, autoincrement=False),
    Column("licence", _Big, ForeignKey("licences.n"), nullable=False, index=True),
    Column("list", Integer, ForeignKey("status_lists.n"), nullable=False),
    Column("idx", Integer, nullable=False),
    Column("operation", Text, nullable=False),
    Column("value", SmallInteger, nullable=False),
    Column("superseded", Boolean, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("reason", LargeBinary),
    Column("data_key_id", Text),
    Column("at", _Big, nullable=False),
    CheckConstraint("value IN (0, 1, 2)", name="value"),
)

requests = Table(
    "requests",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("key_hash", LargeBinary, primary_key=True),
    Column("digest_mac", LargeBinary, nullable=False),
    Column("data_key_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("licence_id", Text, nullable=False),
    Column("seq", _Big, nullable=False),
    Column("at", _Big, nullable=False),
)

data_keys = Table(
    "data_keys",
    metadata,
    Column("id", Text, primary_key=True),
)

clients = Table(
    "clients",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("authority", Text),
    Column("secret_hash", LargeBinary, nullable=False, unique=True),
    Column("created_at", _Big, nullable=False),
    Column("withdrawn_at", _Big),
)

trust_lists = Table(
    "trust_lists",
    metadata,
    Column("authority", Text, primary_key=True),
    Column("seq", _Big, primary_key=True, autoincrement=False),
    Column("token", Text, nullable=False),
    Column("stored_at", _Big, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("fence", _Big, nullable=False),
    Column("until", _Big, nullable=False),
)

_START = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = timedelta(microseconds=1)


def micros(at: datetime) -> int:
    """A moment as whole microseconds since 1970 UTC."""
    return (at - _START) // _MICRO


def moment(value: int) -> datetime:
    """The moment that `micros` made a number of."""
    return _START + value * _MICRO

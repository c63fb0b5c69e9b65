"""The first schema: licences, status lists and their events, requests, clients, trust lists, leases."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "clients",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("authority", sa.Text(), nullable=True),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", _BIG, nullable=False),
        sa.Column("withdrawn_at", _BIG, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_clients"),
        sa.UniqueConstraint("secret_hash", name="uq_clients_secret_hash"),
    )
    counters = op.create_table(
        "counters",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", _BIG, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_counters"),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("fence", _BIG, nullable=False),
        sa.Column("until", _BIG, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )
    op.create_table(
        "requests",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("digest_mac", sa.LargeBinary(), nullable=False),
        sa.Column("data_key_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("licence_id", sa.Text(), nullable=False),
        sa.Column("seq", _BIG, nullable=False),
        sa.Column("at", _BIG, nullable=False),
        sa.PrimaryKeyConstraint("client_id", "key_hash", name="pk_requests"),
    )
    op.create_table(
        "status_lists",
        sa.Column("n", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("next", sa.Integer(), nullable=False),
        sa.Column("permutation_key", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("next >= 0 AND next <= size", name="ck_status_lists_next"),
        sa.PrimaryKeyConstraint("n", name="pk_status_lists"),
        sa.UniqueConstraint("id", name="uq_status_lists_id"),
        sa.UniqueConstraint("issuer", "number", name="uq_status_lists_issuer_number"),
    )
    op.create_table(
        "trust_lists",
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("seq", _BIG, autoincrement=False, nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("stored_at", _BIG, nullable=False),
        sa.PrimaryKeyConstraint("authority", "seq", name="pk_trust_lists"),
    )
    op.create_table(
        "licences",
        sa.Column("n", _BIG, autoincrement=False, nullable=False),
        sa.Column("id", _ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("type_code", sa.Text(), nullable=False),
        sa.Column("number_mac", sa.LargeBinary(), nullable=False),
        sa.Column("holder_mac", sa.LargeBinary(), nullable=False),
        sa.Column("handle_hash", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("list", sa.Integer(), nullable=False),
        sa.Column("idx", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("data_key_id", sa.Text(), nullable=False),
        sa.Column("created_at", _BIG, nullable=False),
        sa.Column("issued_at", _BIG, nullable=True),
        sa.CheckConstraint("state IN (0, 1, 2)", name="ck_licences_state"),
        sa.ForeignKeyConstraint(["list"], ["status_lists.n"], name="fk_licences_list"),
        sa.PrimaryKeyConstraint("n", name="pk_licences"),
        sa.UniqueConstraint("handle_hash", name="uq_licences_handle_hash"),
        sa.UniqueConstraint("id", name="uq_licences_id"),
        sa.UniqueConstraint("number_mac", "version", name="uq_licences_number_mac_version"),
    )
    op.create_index("ix_licences_holder_mac", "licences", ["holder_mac"], unique=False)
    op.create_index(
        "ix_licences_reserved",
        "licences",
        ["created_at"],
        unique=False,
        sqlite_where=sa.text("state = 0"),
        postgresql_where=sa.text("state = 0"),
    )
    op.create_table(
        "status_entries",
        sa.Column("list", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("idx", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("licence", _BIG, nullable=False),
        sa.Column("standing", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("standing IN (0, 2, 3, 4, 5, 6, 7)", name="ck_status_entries_standing"),
        sa.ForeignKeyConstraint(["licence"], ["licences.n"], name="fk_status_entries_licence"),
        sa.ForeignKeyConstraint(["list"], ["status_lists.n"], name="fk_status_entries_list"),
        sa.PrimaryKeyConstraint("list", "idx", name="pk_status_entries"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "status_events",
        sa.Column("seq", _BIG, autoincrement=False, nullable=False),
        sa.Column("licence", _BIG, nullable=False),
        sa.Column("list", sa.Integer(), nullable=False),
        sa.Column("idx", sa.Integer(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("value", sa.SmallInteger(), nullable=False),
        sa.Column("superseded", sa.Boolean(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.LargeBinary(), nullable=True),
        sa.Column("data_key_id", sa.Text(), nullable=True),
        sa.Column("at", _BIG, nullable=False),
        sa.CheckConstraint("value IN (0, 1, 2)", name="ck_status_events_value"),
        sa.ForeignKeyConstraint(["licence"], ["licences.n"], name="fk_status_events_licence"),
        sa.ForeignKeyConstraint(["list"], ["status_lists.n"], name="fk_status_events_list"),
        sa.PrimaryKeyConstraint("seq", name="pk_status_events"),
    )
    op.create_index("ix_status_events_licence", "status_events", ["licence"], unique=False)
    op.create_table(
        "data_keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_data_keys"),
    )
    op.bulk_insert(counters, [{"name": name, "value": 0} for name in ("status_seq", "epoch")])

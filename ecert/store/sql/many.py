"""Write thousands of rows in one call: plain statements with positional values, for both databases.

SQLAlchemy's own way costs more per row than SQLite does. Names come from the tables' definitions, values
only as parameters.
"""

from collections.abc import Sequence
from functools import lru_cache

from sqlalchemy import Connection, Dialect, Table

__all__ = ["insert_many", "update_many"]


def insert_many(connection: Connection, table: Table, rows: Sequence[tuple[object, ...]]) -> None:
    """Insert rows; each has a value for every column of the table, in the order of its definition."""
    if rows:
        connection.exec_driver_sql(_insert(connection.dialect, table), list(rows))


def update_many(
    connection: Connection,
    table: Table,
    rows: Sequence[tuple[object, ...]],
    *,
    setting: tuple[str, ...],
    where: tuple[str, ...],
) -> int:
    """Update rows by values to set, then values to find each by; gives how many were found."""
    if not rows:
        return 0
    statement = _update(connection.dialect, table, setting, where)
    return connection.exec_driver_sql(statement, list(rows)).rowcount


@lru_cache(maxsize=32)
def _insert(dialect: Dialect, table: Table) -> str:
    names = [dialect.identifier_preparer.quote(column.name) for column in table.columns]
    marks = ", ".join([_mark(dialect)] * len(names))
    return f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608 - our own names


@lru_cache(maxsize=32)
def _update(dialect: Dialect, table: Table, setting: tuple[str, ...], where: tuple[str, ...]) -> str:
    def equal(name: str) -> str:
        return f"{dialect.identifier_preparer.quote(name)} = {_mark(dialect)}"

    set_, found = ", ".join(map(equal, setting)), " AND ".join(map(equal, where))
    return f"UPDATE {table.name} SET {set_} WHERE {found}"  # noqa: S608 - our own names


def _mark(dialect: Dialect) -> str:
    return "?" if dialect.paramstyle == "qmark" else "%s"

"""Statements of what every declaration goes through: written by SQLAlchemy, once, and run by the driver."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from itertools import groupby
from operator import itemgetter
from typing import Any, Generic, TypeVar

from sqlalchemy import ClauseElement, Connection, Dialect
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

from hub.store.keeping import kept

Values = Mapping[str, Any]
"""What is bound, by the names in the statement; of an INSERT or UPDATE also columns, which are set then."""

_Change = Callable[[Any], Any]
T = TypeVar("T")


def insert_of(connection: Connection) -> Any:
    """The INSERT of this database that knows ON CONFLICT."""
    return sqlite_insert if connection.dialect.name == "sqlite" else postgresql_insert


class Statement:
    """
    A statement that is compiled once for each kind of database.

    SQLAlchemy works out at each execution what is the same at all of them, which takes several times as long
    as the statement itself. Here the driver is given the finished text; types are applied as ever. So rows
    are plain named tuples, and lists cannot be bound (`IN`). Raises `sqlalchemy.exc.DBAPIError`, as all else
    in the store does. To be used within a transaction.
    """

    def __init__(self, statement: ClauseElement | Callable[[Any], ClauseElement]) -> None:
        """Where each database has words of its own, a function: it gets the INSERT that knows ON CONFLICT."""
        self._statement = statement
        self._compiled: dict[tuple[str, ...], _Compiled] = {}

    def all(self, connection: Connection, values: Values) -> list[Any]:
        """The rows."""
        compiled = self._of(connection, values)
        with closing(_execute(connection, compiled.text, compiled.bound(values))) as cursor:
            return compiled.read(cursor.fetchall())

    def first(self, connection: Connection, values: Values) -> Any | None:
        """The first row, if there is one."""
        rows = self.all(connection, values)
        return rows[0] if rows else None

    def run(self, connection: Connection, values: Values) -> int:
        """Execute it; the number of rows that it has changed."""
        compiled = self._of(connection, values)
        with closing(_execute(connection, compiled.text, compiled.bound(values))) as cursor:
            return cursor.rowcount

    def run_each(self, connection: Connection, each: Sequence[Values]) -> None:
        """Execute it once with each of these, which all have the same names; at least one."""
        compiled = self._of(connection, each[0])
        bound = [compiled.bound(values) for values in each]
        with closing(_execute(connection, compiled.text, bound, many=True)):
            pass

    def kept(self, by: str, make: Callable[[Sequence[Any]], T], most: int, longest: int) -> Kept[T]:
        """
        What `make` makes of the rows that have the same `by`; kept of the `most` that were read last, but for
        those whose texts have more than `longest` characters together.
        """
        return Kept(self, by, make, most, longest)

    def _of(self, connection: Connection, values: Values) -> _Compiled:
        known = (connection.dialect.name, *values)
        compiled = self._compiled.get(known)
        if compiled is None:
            compiled = _Compiled(self._written_for(connection), connection.dialect, values)
            self._compiled[known] = compiled
        return compiled

    def _written_for(self, connection: Connection) -> ClauseElement:
        if isinstance(self._statement, ClauseElement):
            return self._statement
        return self._statement(insert_of(connection))


class Kept(Generic[T]):
    """
    What is made of rows, group by group, and need not be made again of the same.

    It is found by the very columns, as the driver gives them, so that it cannot be stale: nothing is believed
    that was not just read. What is made must be immutable.
    """

    def __init__(
        self, statement: Statement, by: str, make: Callable[[Sequence[Any]], T], most: int, longest: int
    ) -> None:
        """Rows that have the same value in the column `by` must follow one another."""
        self._statement = statement
        self._by = by
        self._make = make
        self._made = kept(most, longest)(self._made_of)

    def all(self, connection: Connection, values: Values) -> list[T]:
        """One for each group, in the order of the rows."""
        compiled = self._statement._of(connection, values)
        with closing(_execute(connection, compiled.text, compiled.bound(values))) as cursor:
            rows = cursor.fetchall()
        groups = groupby(rows, itemgetter(compiled.place_of(self._by)))
        return [self._made(compiled, tuple(group)) for _, group in groups]

    def _made_of(self, compiled: _Compiled, rows: tuple[Sequence[Any], ...]) -> T:
        return self._make(compiled.read(rows))


class _Compiled:
    """A statement as a driver takes it, for values of these names."""

    def __init__(self, statement: ClauseElement, dialect: Dialect, names: Iterable[str]) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=list(names))
        assert isinstance(compiled, SQLCompiler)
        self.text = str(compiled)
        binds = {name: bind for bind, name in compiled.bind_names.items()}
        changes = {name: _in(bind.type, dialect) for name, bind in binds.items()}
        fixed = {name: bind.value for name, bind in binds.items() if not bind.required}
        self._fixed = {
            name: value if (change := changes[name]) is None else change(value)
            for name, value in fixed.items()
            if name not in names
        }
        self._is_positional = compiled.positional
        order = compiled.positiontup if compiled.positional and compiled.positiontup else list(binds)
        self._bound = [(name, name in self._fixed, changes[name]) for name in order]
        columns = list(getattr(statement, "exported_columns", ()))
        self._columns = [column.key for column in columns]
        row: Any = namedtuple("Row", self._columns)  # type: ignore[misc]
        self._make = row._make
        reads = [_out(column.type, dialect) for column in columns]
        self._reads = reads if any(reads) else None

    def place_of(self, column: str) -> int:
        """Where it stands in a row."""
        return self._columns.index(column)

    def bound(self, values: Values) -> Any:
        """The values as the driver takes them."""
        fixed = self._fixed
        if self._is_positional:
            return [
                fixed[name] if is_fixed else values[name] if change is None else change(values[name])
                for name, is_fixed, change in self._bound
            ]
        return {
            name: fixed[name] if is_fixed else values[name] if change is None else change(values[name])
            for name, is_fixed, change in self._bound
        }

    def read(self, rows: Iterable[Sequence[Any]]) -> list[Any]:
        """The rows as the types of their columns make them."""
        make, reads = self._make, self._reads
        if reads is None:
            return [make(row) for row in rows]
        return [
            make([value if read is None else read(value) for read, value in zip(reads, row, strict=True)])
            for row in rows
        ]


def _execute(connection: Connection, text: str, bound: Any, *, many: bool = False) -> DBAPICursor:
    cursor = connection.connection.cursor()
    try:
        if many:
            cursor.executemany(text, bound)
        else:
            cursor.execute(text, bound)
    except connection.dialect.loaded_dbapi.Error as error:
        raise _told(connection, text, bound, error, many) from error
    return cursor


def _told(connection: Connection, text: str, bound: Any, error: Exception, many: bool) -> Exception:
    """The error as SQLAlchemy would tell it; a connection that has gone is given up, as there."""
    dialect = connection.dialect
    driver: Any = connection.connection
    is_gone = dialect.is_disconnect(error, driver, None)  # type: ignore[arg-type]
    if is_gone:
        connection.invalidate(error)
    return DBAPIError.instance(
        text,
        bound,
        error,
        dialect.loaded_dbapi.Error,
        connection_invalidated=is_gone,
        dialect=dialect,
        ismulti=many,
    )


def _in(type_: TypeEngine[Any], dialect: Dialect) -> _Change | None:
    return type_.dialect_impl(dialect).bind_processor(dialect)


def _out(type_: TypeEngine[Any], dialect: Dialect) -> _Change | None:
    return type_.dialect_impl(dialect).result_processor(dialect, None)

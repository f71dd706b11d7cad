"""Column types that mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, String
from sqlalchemy.types import Text, TypeDecorator, TypeEngine, UserDefinedType

_LONGEST_KEY = 200


class Utc(TypeDecorator[datetime]):
    """
    An instant, in UTC: `timestamptz` on PostgreSQL, text of fixed width on SQLite.

    A datetime without an offset is refused with ValueError: nobody could tell which instant it means.
    """

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The type of the column on this database."""
        kind = DateTime(timezone=True) if dialect.name == "postgresql" else String(27)
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """The instant as this database takes it."""
        if value is None:
            return None
        if value.utcoffset() is None:
            raise ValueError(f"{value!r} has no offset, so it is not an instant")
        moment = value.astimezone(UTC)
        if dialect.name == "postgresql":
            return moment
        # Always the same width, so that the order of the texts is the order of the instants.
        return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """The instant, in UTC."""
        if value is None:
            return None
        if isinstance(value, datetime):
            return value.astimezone(UTC)
        return datetime.fromisoformat(value)


def storable(text: str) -> str:
    """
    The text without what no database column can hold: NUL and lone surrogates become U+FFFD.

    Bodies of callbacks are anybody's bytes; refusing to record them would hide an attack.
    """
    if not text.isascii():
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.replace("\x00", "\ufffd") if "\x00" in text else text


class Words(TypeDecorator[str]):
    """Text from outside, of any length and content; see `storable`."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """The text, storable."""
        return None if value is None else storable(value)


class Key(TypeDecorator[str]):
    """
    Text from outside by which a row is found. What is too long for an index is kept as its SHA-256, so read
    the text itself from the document beside it. Ordered by code point on every database.
    """

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The type of the column on this database."""
        return dialect.type_descriptor(Text(collation="C") if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """The key as stored."""
        return None if value is None else key(value)


def key(text: str) -> str:
    """A text as a `Key` column stores it."""
    text = storable(text)
    return text if len(text) <= _LONGEST_KEY else "sha256:" + hashlib.sha256(text.encode()).hexdigest()


class Document(UserDefinedType[str]):
    """
    A frozen JSON document, bound and read as text: models write and read it themselves, decimals as text.

    `json` on PostgreSQL, so that operations can look into it with SQL; it keeps the text as written, where
    `jsonb` would refuse a NUL and reorder keys. Text on SQLite, whose JSON functions read text.
    """

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The name of the type; SQLite stores what is no number as text under it."""
        return "JSON"

"""What a simulator remembers when it is killed: one SQLite file of JSON documents."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

_FILE = "simulator.sqlite"


class Journal:
    """
    Documents by kind and key, in the order of their first writing.

    Without a folder nothing is kept. Each write is durable against the death of the process, not against a
    power cut: it is a simulator. Used from one thread.
    """

    def __init__(self, folder: Path | None) -> None:
        self._database: sqlite3.Connection | None = None
        if folder is None:
            return
        folder.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(folder / _FILE, isolation_level=None)
        self._database.execute("pragma journal_mode=wal")
        self._database.execute("pragma synchronous=normal")
        self._database.execute(
            "create table if not exists document"
            " (kind text, key text, body text not null, primary key (kind, key))"
        )

    def write(self, kind: str, key: str, document: Any) -> None:
        """Keep a document, in place of the earlier one of that key."""
        if self._database is not None:
            self._database.execute(
                "insert into document (kind, key, body) values (?, ?, ?)"
                " on conflict (kind, key) do update set body = excluded.body",
                (kind, key, json.dumps(document, ensure_ascii=False, default=_as_text)),
            )

    def read(self, kind: str) -> Iterator[tuple[str, Any]]:
        """Key and document of every one of a kind, oldest first."""
        if self._database is not None:
            rows = self._database.execute(
                "select key, body from document where kind = ? order by rowid", (kind,)
            )
            for key, body in rows.fetchall():
                yield key, json.loads(body)

    def clear(self) -> None:
        """Forget everything."""
        if self._database is not None:
            self._database.execute("delete from document")

    def close(self) -> None:
        if self._database is not None:
            self._database.close()


def _as_text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be written down")

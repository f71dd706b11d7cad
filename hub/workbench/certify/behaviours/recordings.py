"""Everything that a run has recorded, as text; and the credentials that must not stand in it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

from sqlalchemy import create_engine, select

from hub.store.tables import metadata
from hub.workbench.certify.stage import Stage
from hub.workbench.variables import variables_of

_SHORTEST = 6
"""Characters: a shorter one would be found in half of all texts by chance."""
_PROOFS = ("authorization", "x-api-key", "cookie")


def everything_recorded(stage: Stage) -> str:
    """Each row of each table of the run's store, and what was exchanged past it."""
    texts = [exchange.model_dump_json() for exchange in stage.direct]
    engine = create_engine(stage.database)
    try:
        with engine.connect() as connection:
            for table in metadata.sorted_tables:
                for row in connection.execute(select(table)):
                    texts += [_text(value) for value in row]
    finally:
        engine.dispose()
    return "\n".join(texts)


def secrets_of(stage: Stage) -> dict[str, set[str]]:
    """
    Each credential, by what it is called, in the forms it may be written in.

    Those of the file, and those that were seen on the wire, which may have been handed out by the agency.
    """
    found: dict[str, set[str]] = {}
    for variable in variables_of(stage.file):
        value = stage.bench.environment.get(variable.name, "")
        secret = not (variable.is_address or variable.is_file or variable.holds == "a user name")
        if secret and len(value) >= _SHORTEST:
            found[variable.name] = _forms(value)
    for passage in stage.tap.passages:
        for name, value in passage.request.headers:
            if name.lower() in _PROOFS:
                token = value.rpartition(" ")[2]
                if len(token) >= _SHORTEST:
                    found.setdefault(f"the header {name}", set()).update(_forms(token))
    return found


def _forms(secret: str) -> set[str]:
    return {
        secret,
        escape(secret),
        escape(secret, {'"': "&quot;", "'": "&apos;"}),
        json.dumps(secret)[1:-1],
        quote(secret, safe=""),
        quote_plus(secret),
        base64.b64encode(secret.encode()).decode(),
    }


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return (
        json.dumps(value, ensure_ascii=False, default=str)
        if isinstance(value, Mapping | list)
        else str(value)
    )

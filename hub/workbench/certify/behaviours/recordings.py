"""Everything that a run has recorded, as text; and the credentials that must not stand in it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

from sqlalchemy import create_engine, select

from hub.store.tables import metadata
from hub.workbench.certify.leaves import Leaves, NoLeaves
from hub.workbench.certify.stage import Stage
from hub.workbench.certify.wire import Passage
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
    for token in _handed_out(stage.tap.passages):
        found.setdefault("a token that was handed out", set()).update(_forms(token))
    return found


def _handed_out(passages: list[Passage]) -> set[str]:
    """What a log-in was answered with, and a later request brought along."""
    told: set[str] = set()
    used: set[str] = set()
    for passage in passages:
        request = passage.request
        if request.kind not in ("login", "token"):
            carried = f"{request.target} {request.headers} {request.body.decode('utf-8', 'replace')}"
            used |= {text for text in told if text in carried}
            continue
        for answer in passage.said:
            with suppress(NoLeaves):
                told |= {text for text in Leaves(answer.body).texts() if _may_be_token(text)}
    return used


def _may_be_token(text: str) -> bool:
    """Long, and no word of a protocol, as `Bearer` and `client_credentials` are."""
    return len(text) >= 2 * _SHORTEST and any(character.isdigit() for character in text)


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

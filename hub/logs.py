"""Logs are events: one line each, with the declaration and the agency they are about."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any, Literal

import structlog

from hub import tracing


def configure(form: Literal["json", "console"], *, least: int = logging.INFO) -> None:
    """
    Send everything that is logged, ours and the libraries', warnings of Python too, to standard error in one
    form; nothing below the level `least`.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        tracing.into_log,
        structlog.processors.format_exc_info,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(serializer=_as_json)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=_Lines,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.captureWarnings(True)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(least)
    for chatty in ("httpx", "zeep", "urllib3", "alembic", "uvicorn.access"):
        logging.getLogger(chatty).setLevel(max(least, logging.WARNING))


class _Lines:
    """
    Where our own lines are written. They need nothing of the standard library's records, handlers and locks,
    which took longer than all the rest; what libraries log comes that way.
    """

    def __init__(self, name: str = "hub") -> None:
        self.name = name

    def msg(self, line: str) -> None:
        """Write one line, whole."""
        try:
            sys.stderr.write(line + "\n")
            sys.stderr.flush()
        except (OSError, ValueError):
            # As the standard library has it: a full disk, or a reader that has gone, does not stop the work.
            return

    log = debug = info = warning = error = critical = exception = msg


_JSON = json.JSONEncoder(ensure_ascii=False, default=repr)


def _as_json(line: Any, **_options: Any) -> str:
    # With an encoder that is made once: `json.dumps` makes a new one for each line.
    return _JSON.encode(line)

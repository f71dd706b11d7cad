"""Logs are events: one line each, with the declaration and the agency they are about."""

from __future__ import annotations

import logging
import sys
from typing import Literal

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
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
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

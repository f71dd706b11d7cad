"""A page of the API's description, without scripts or anything from elsewhere."""

from __future__ import annotations

import json
import re
from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse

router = APIRouter(include_in_schema=False)

_CODE = re.compile("`([^`]+)`")
_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1d2430}
code,pre{font:14px/1.45 ui-monospace,monospace;background:#f2f4f7;border-radius:4px}
code{padding:.1em .3em}pre{padding:1rem;overflow:auto}
details{border-top:1px solid #d5dae2;padding:.6rem 0}summary{cursor:pointer}
table{border-collapse:collapse}td{padding:.2rem 1rem .2rem 0;vertical-align:top}
.method{display:inline-block;min-width:4em;font-weight:600}
"""


@router.get("/")
async def root() -> RedirectResponse:
    """Whoever opens the bare address in a browser is looking for the description."""
    return RedirectResponse("/docs")


@router.get("/docs", response_class=HTMLResponse)
async def docs(request: Request) -> HTMLResponse:
    """Every operation with its parameters, bodies, examples and problems."""
    document: dict[str, Any] = request.app.openapi()
    operations = "".join(
        _operation(path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    )
    return HTMLResponse(
        f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{escape(document['info']['title'])}</title><style>{_STYLE}</style>"
        f"<h1>{escape(document['info']['title'])}</h1><p>{_words(document['info']['summary'])}</p>"
        f"<p>{_words(document['info']['description'])}</p>"
        f"<p>For machines: <a href='/openapi.json'>openapi.json</a></p>{operations}</html>"
    )


def _words(text: str) -> str:
    """Text of the description, with code between backticks."""
    return _CODE.sub(r"<code>\1</code>", escape(text))


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    key = "API key" if operation.get("security") else "no API key"
    bodies = "".join(
        f"<h4>Body: {escape(name)}</h4>{_example(body)}"
        for name, body in operation.get("requestBody", {}).get("content", {}).items()
    )
    answers = "".join(
        f"<tr><td>{escape(status)}<td>{_words(answer['description'])}{_examples_of(answer)}"
        for status, answer in operation["responses"].items()
    )
    return (
        f"<details><summary><span class=method>{method.upper()}</span> <code>{escape(path)}</code> "
        f"{_words(operation['summary'])}</summary><p>{_words(operation.get('description', ''))} ({key})</p>"
        f"{_parameters(operation.get('parameters', []))}{bodies}"
        f"<h4>Answers</h4><table>{answers}</table></details>"
    )


def _parameters(parameters: list[dict[str, Any]]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(p['name'])}</code><td>{escape(p['in'])}<td>{_words(p.get('description', ''))}"
        for p in parameters
    )
    return f"<h4>Parameters</h4><table>{rows}</table>" if rows else ""


def _examples_of(answer: dict[str, Any]) -> str:
    return "".join(
        _example(content) for name, content in answer.get("content", {}).items() if "problem" not in name
    )


def _example(content: dict[str, Any]) -> str:
    example = content.get("example")
    if example is None:
        return ""
    text = example if isinstance(example, str) else json.dumps(example, indent=2, ensure_ascii=False)
    return f"<pre>{escape(text)}</pre>"

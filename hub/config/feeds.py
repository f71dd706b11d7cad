"""The feed of a channel: pages, acknowledging, rejecting."""

from __future__ import annotations

from collections.abc import Iterable

from hub.config.faults import Key
from hub.config.models import FeedFile
from hub.config.schema_faults import FileReport
from hub.expressions import Expression

_FEED: Key = ("channel", "feed")


def check_feed(
    feed: FeedFile, adapter: str, requests: dict[str, list[Expression]], report: FileReport
) -> None:
    """
    What no expression by itself can be wrong in. `requests` holds the expressions of `pull`, `acknowledge`
    and `reject`.
    """
    _check_pages(feed, adapter, requests["pull"], report)
    if feed.message.id is None:
        report.add(
            (*_FEED, "message", "id"),
            "'id' is missing: no message could be acknowledged, and the first would come for ever",
            "add `id:`, what the agency knows its message by",
        )
    for name in ("acknowledge", "reject"):
        if name in requests:
            _check_ids(feed, name, requests[name], report)


def _check_pages(feed: FeedFile, adapter: str, pull: Iterable[Expression], report: FileReport) -> None:
    asks_by = {path[1] for expression in pull for path in expression.reads if path[0] == "page" and path[1:]}
    if feed.next_page is None:
        if "cursor" in asks_by:
            report.add(
                (*_FEED, "pull"),
                "it asks by `page.cursor`, and there is no `next_page` to tell one",
                "add `next_page`, as =reply.nextCursor",
            )
        if "max_pages" in feed.model_fields_set:
            report.add(
                (*_FEED, "max_pages"),
                "without `next_page` there is one page",
                "add `next_page`, or remove it",
            )
    elif adapter == "soap" and not asks_by & {"cursor", "number"}:
        report.add(
            (*_FEED, "next_page"),
            "the pull asks neither by `page.cursor` nor by `page.number`: every page would be the first",
            "use one of them in `pull`",
        )
    elif feed.next_page.removeprefix("=").strip() in ("true", "false", "null", '""'):
        report.add(
            (*_FEED, "next_page"),
            "it is the same for every page",
            "read it from the answer, as =reply.more",
        )


def _check_ids(feed: FeedFile, name: str, expressions: Iterable[Expression], report: FileReport) -> None:
    roots = {root for expression in expressions for root in expression.roots}
    if feed.each and not roots & {"id", "ids"}:
        report.add(
            (*_FEED, name),
            "it is sent for each message, and does not say which",
            "use `id` in its path, query or request",
        )
    elif not feed.each and "id" in roots and "ids" not in roots:
        report.add(
            (*_FEED, name),
            "`id` is the first of several messages; the others would never be told of",
            "write `each: true`, or use `ids`",
        )

"""What is stuck, as last judged: made of the other tables, and made anew if it is lost."""

from __future__ import annotations

from sqlalchemy import Column, Float, Integer, PrimaryKeyConstraint, String, Table

from hub.store.tables.base import index, metadata
from hub.store.types import Document, Key, Utc, Words

attention = Table(
    "attention",
    metadata,
    Column("mrn", Key, nullable=False),
    # Empty: the declaration as a whole.
    Column("service", Key, nullable=False),
    Column("agency", Key),
    # None: looked at, and not stuck; it is looked at again at `again_at`, or when something happens to it.
    Column("kind", String(24)),
    Column("since", Utc, nullable=False),
    # The same as seconds since 1970: what is sorted by is worked out of it.
    Column("since_s", Float, nullable=False),
    Column("stuck", Document),
    # What a list shows and searches, of the declaration as it was when this was judged.
    Column("lrn", Key, nullable=False),
    Column("ucr", Words, nullable=False),
    Column("declarant", Key, nullable=False),
    Column("office", Key),
    Column("cargo_management_number", Key),
    Column("outcome", String(16), nullable=False),
    Column("accepted_at", Utc, nullable=False),
    Column("cargo", Document),
    Column("kilograms", Float),
    # By which it is sorted: kilograms, or what they are taken as where none were declared.
    Column("weight", Float, nullable=False),
    # Two digits each, in commas: `,08,84,`.
    Column("chapters", Words, nullable=False),
    # As it was judged: when one of these is another, it is judged anew.
    Column("judged_seq", Integer, nullable=False),
    Column("judged_trouble", Words),
    Column("again_at", Utc),
    PrimaryKeyConstraint("mrn", "service"),
    # Counted by kind and agency, with what they hold, from the index alone.
    index("ix_attention_kind", "kind", "agency", "kilograms", where="kind IS NOT NULL"),
    index("ix_attention_agency", "agency", where="kind IS NOT NULL"),
    index("ix_attention_again", "again_at", where="again_at IS NOT NULL"),
)

"""What the doctor has found."""

from __future__ import annotations

from sqlalchemy import Column, Identity, Integer, Table

from hub.store.tables.base import metadata
from hub.store.types import Document, Utc

examinations = Table(
    "examinations",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("ended_at", Utc, nullable=False),
    Column("document", Document, nullable=False),
)

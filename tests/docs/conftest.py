"""Fixtures of the documents' tests."""

from __future__ import annotations

from tests.plugins.databases import sqlite_url  # noqa: F401 - a fixture

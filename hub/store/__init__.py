"""The store, on SQLite or PostgreSQL."""

from hub.store.engine import Sync
from hub.store.schema import upgrade
from hub.store.store import Store, create_store

__all__ = ["Store", "Sync", "create_store", "upgrade"]

"""The store, on SQLite or PostgreSQL."""

from hub.store.engine import Recorded, Sync
from hub.store.schema import upgrade
from hub.store.store import Store, create_store

__all__ = ["Recorded", "Store", "Sync", "create_store", "upgrade"]

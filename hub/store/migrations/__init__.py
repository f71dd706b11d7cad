"""Migrations, applied by `hub.store.upgrade`."""

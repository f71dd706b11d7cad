"""Who may call the API. Keys are known by their hash only."""

from __future__ import annotations

from sqlalchemy import select, update

from hub.ports import ApiClient
from hub.store.part import AnyRow, Part
from hub.store.statements import insert_of
from hub.store.tables import clients


class Clients(Part):
    """API clients."""

    def add_client(self, client: ApiClient, key_hash: str) -> None:
        """Raises ValueError if the id is taken, or the key is another client's."""
        with self._database.write() as connection:
            added = connection.execute(
                insert_of(connection)(clients).on_conflict_do_nothing().returning(clients.c.id),
                {
                    "id": client.id,
                    "key_hash": key_hash,
                    "document": client.model_dump_json(exclude={"disabled"}),
                    "disabled": client.disabled,
                    "created_at": client.created_at,
                },
            ).one_or_none()
        if added is None:
            raise ValueError(f"there is a client {client.id!r} already, or one with this key")

    def disable_client(self, client_id: str) -> None:
        """Its key opens nothing any more. Raises KeyError for an unknown id."""
        with self._database.write() as connection:
            disabled = connection.execute(
                update(clients).where(clients.c.id == client_id).values(disabled=True)
            )
            if disabled.rowcount != 1:
                raise KeyError(f"no client {client_id!r}")

    def client_by_key(self, key_hash: str) -> ApiClient | None:
        """The enabled client whose key has this hash."""
        with self._database.read() as connection:
            row = connection.execute(select(clients).where(clients.c.key_hash == key_hash)).one_or_none()
        return None if row is None or row.disabled else _read(row)

    def clients(self) -> list[ApiClient]:
        """Every client, the oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(select(clients).order_by(clients.c.created_at, clients.c.id)).all()
        return [_read(row) for row in rows]


def _read(row: AnyRow) -> ApiClient:
    client = ApiClient.model_validate_json(row.document)
    return client.model_copy(update={"disabled": row.disabled})

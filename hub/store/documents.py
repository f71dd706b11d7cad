"""What declarants answer to the agencies' questions, with the documents they hand in."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from sqlalchemy import select

from hub.domain.information import Information
from hub.domain.names import referral_id
from hub.store.part import Part
from hub.store.statements import insert_of
from hub.store.tables import documents, information, referrals


class Documents(Part):
    """Answers, and contents by their hash; each declaration has its own."""

    def put_information(
        self, mrn: str, service: str, information: Information, contents: Mapping[str, bytes]
    ) -> None:
        """
        Keep an answer of the declarant, and the documents in it by their hash. Idempotent. Raises KeyError
        for an unknown referral or a document without its content, ValueError when a content is another.
        """
        for document in information.documents:
            content = contents[document.sha256]
            if hashlib.sha256(content).hexdigest() != document.sha256:
                raise ValueError(f"{document.name} has another content than its hash says")
        with self._database.write() as connection:
            there = select(referrals.c.mrn).where(referrals.c.mrn == mrn, referrals.c.service == service)
            if connection.execute(there).first() is None:
                raise KeyError(f"no referral {referral_id(mrn, service)}")
            insert = insert_of(connection)
            hashes = {document.sha256 for document in information.documents}
            if hashes:
                connection.execute(
                    insert(documents).on_conflict_do_nothing(),
                    [
                        {"mrn": mrn, "sha256": sha256, "content": contents[sha256]}
                        for sha256 in sorted(hashes)
                    ],
                )
            connection.execute(
                insert(_INFORMATION).on_conflict_do_nothing(),
                {
                    "mrn": mrn,
                    "service": service,
                    "id": information.id,
                    "given_at": information.given_at,
                    "document": information.model_dump_json(),
                },
            )

    def information(self, mrn: str, service: str) -> list[Information]:
        """What the declarant has answered, in order."""
        query = (
            select(information.c.document)
            .where(information.c.mrn == mrn, information.c.service == service)
            .order_by(information.c.given_at, information.c.id)
        )
        with self._database.read() as connection:
            return [Information.model_validate_json(found) for found in connection.scalars(query)]

    def document(self, mrn: str, sha256: str) -> bytes | None:
        """The content of a document of this declaration."""
        query = select(documents.c.content).where(documents.c.mrn == mrn, documents.c.sha256 == sha256)
        with self._database.read() as connection:
            content: bytes | None = connection.scalar(query)
        return content


_INFORMATION = information
"""The table, where a parameter has its name."""

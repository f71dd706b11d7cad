"""What declarants answer, and the documents they hand in."""

from __future__ import annotations

import hashlib

import pytest

from hub.domain.information import Document, Information, Scan
from hub.store import Store
from tests.store import sample
from tests.store.sample import FOOD, PLANT, SECOND, T0

CONTENT = b"%PDF \x00\xff"
HASH = hashlib.sha256(CONTENT).hexdigest()


def document(name: str = "성적서.pdf", sha256: str = HASH) -> Document:
    return Document(
        name=name, media_type="application/pdf", sha256=sha256, size=len(CONTENT), scan=Scan.CLEAN
    )


def information(id: str, *documents: Document, at: int = 0) -> Information:
    return Information(
        id=id, request="D-1", text="함께", documents=documents, given_at=T0 + at * SECOND, by="broker"
    )


def lodge(store: Store) -> str:
    accepted = sample.acceptance(PLANT, FOOD)
    store.lodge(accepted)
    return accepted.mrn


def test_answers_are_kept_with_their_documents(store: Store) -> None:
    """By service, in order; the same again changes nothing."""
    mrn = lodge(store)
    second, first = information("A-2", document(), document("copy.pdf"), at=2), information("A-1", at=1)
    for _ in range(2):
        store.put_information(mrn, PLANT, second, {HASH: CONTENT})
        store.put_information(mrn, PLANT, first, {})
    assert store.information(mrn, PLANT) == [first, second]
    assert store.information(mrn, FOOD) == []
    assert store.document(mrn, HASH) == CONTENT


def test_documents_are_those_of_their_declaration(store: Store) -> None:
    """Who knows the hash of another's document does not have it."""
    mrn, other = lodge(store), lodge(store)
    store.put_information(mrn, PLANT, information("A-1", document()), {HASH: CONTENT})
    assert store.document(other, HASH) is None
    assert store.document(mrn, "0" * 64) is None


def test_a_content_that_is_not_what_its_hash_says_is_refused(store: Store) -> None:
    """Nothing of the answer is kept; nor of one to nobody, nor without its content."""
    mrn = lodge(store)
    said = information("A-1", document())
    with pytest.raises(ValueError, match="another content"):
        store.put_information(mrn, PLANT, said, {HASH: b"other"})
    with pytest.raises(KeyError):
        store.put_information(mrn, PLANT, said, {})
    for where in ((mrn, "no-such-service"), ("none", PLANT)):
        with pytest.raises(KeyError):
            store.put_information(*where, said, {HASH: CONTENT})
    assert (store.information(mrn, PLANT), store.document(mrn, HASH)) == ([], None)

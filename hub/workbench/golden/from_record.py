"""What a golden file is made of: a try that has just been made, or an exchange of the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hub.adapters.reading import Kind
from hub.adapters.sample import SAMPLE_MRN
from hub.config.models import AgencyFile
from hub.domain.declaration import Declaration
from hub.domain.exchange import Dossier, Exchange
from hub.ports import DeclarationView
from hub.workbench.bench import Bench
from hub.workbench.golden.pseudonyms import anonymous, of_mrn
from hub.workbench.golden.writing import Subject
from hub.workbench.operations import OperationName
from hub.workbench.trying import Attempt, in_short
from hub.workbench.unready import Unready


def of_attempt(
    bench: Bench, made: Attempt, *, lodged: Declaration | None, ids: Sequence[str], why: str | None
) -> Subject:
    """A try of the engineer's own declaration, or of the sample, which stays as it is but for its lrn."""
    dossier = made.dossier
    names = of_mrn(dossier.terms.mrn if dossier is not None else SAMPLE_MRN)
    if dossier is not None:
        own = lodged or bench.dossiers(service=dossier.terms.service)[0].declaration
        names.give(dossier.declaration.lrn, own.lrn)
        dossier = dossier.model_copy(update={"declaration": own})
    return Subject(
        does=made.operation,
        why=why or f"Recorded from a try; it was read so: {names.text(in_short(made, bench.file))}.",
        at=made.at,
        dossier=dossier,
        ids=ids,
        # A token of an authorisation server is granted by whoever plays the agency.
        exchanges=[one for one in made.exchanges if one.kind != Kind.TOKEN],
        names=names,
        understood=made.exchanges[-1].reading if made.exchanges else "",
        beside=made.beside,
    )


def of_exchange(
    file: AgencyFile,
    exchange: Exchange,
    view: DeclarationView | None,
    base: Mapping[str, Any] | None,
    *,
    why: str | None,
) -> Subject:
    """An exchange of the record, about a real declaration: nobody is known in it any more. Raises Unready."""
    does = _operation(exchange)
    if file.channel.login is not None:
        raise Unready("the hub logs in before it asks, and that answer is not with it", "record a try of it")
    names = of_mrn(exchange.mrn or SAMPLE_MRN)
    if does in (OperationName.WITHDRAW, OperationName.INFORM):
        raise Unready(f"what a recorded {does} tells is in the declarant's own words", "record a try of it")
    dossier = None
    if does.is_about_a_referral:
        if view is None or exchange.service is None:
            raise Unready(f"the declaration of exchange {exchange.id} is not in the database")
        told, names = anonymous(view.acceptance.declaration, view.acceptance.mrn, base or {})
        referral = next((r for r in view.referrals if r.terms.service == exchange.service), None)
        if referral is None:
            raise Unready(f"{view.acceptance.mrn} has no referral to {exchange.service}")
        terms = referral.terms.model_copy(
            update={"mrn": SAMPLE_MRN, "id": SAMPLE_MRN + referral.terms.id.removeprefix(exchange.mrn or "")}
        )
        dossier = Dossier(
            declaration=told,
            terms=terms,
            accepted_at=view.acceptance.accepted_at,
            receipt=referral.receipt,
        )
    elif does.is_about_messages:
        raise Unready(f"which messages a recorded {does} was about is not kept", "record a try of it")
    return Subject(
        does=does,
        why=why or f"Recorded from an exchange; it was read so: {names.text(exchange.reading)}.",
        at=exchange.started_at,
        dossier=dossier,
        ids=(),
        exchanges=(exchange,),
        names=names,
        understood=exchange.reading,
    )


def _operation(exchange: Exchange) -> OperationName:
    try:
        return OperationName(exchange.kind)
    except ValueError:
        raise Unready(
            f"exchange {exchange.id} is a {exchange.kind}, of which no golden file is made"
        ) from None

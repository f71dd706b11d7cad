"""
The bench: one agency, taken out of its configuration folder and made ready to be spoken to.

Everything that `hub agency ...` does begins here. Only this agency's file has to be sound, with the files
that all agencies share; what is wrong with another agency's file is nothing to its engineer.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from hub.adapters.check import check_channels
from hub.adapters.gateway import Gateway
from hub.adapters.sample import SAMPLE_TIME, sample_dossiers
from hub.clock import utc_now
from hub.config.loader import Configuration, load
from hub.config.models import AgencyFile
from hub.domain.declaration import Declaration
from hub.domain.exchange import Dossier
from hub.domain.intake import Acceptance, accept
from hub.domain.names import new_mrn, referral_id
from hub.domain.referral import Receipt, ReferralTerms
from hub.domain.terms import terms_of
from hub.expressions.compiling import nearest
from hub.ports import Clock
from hub.workbench.finding import find
from hub.workbench.lodged import declaration_in
from hub.workbench.unready import Unready
from hub.workbench.variables import require

_CLIENT = "workbench"
_LONGEST_LRN = 35


@dataclass(frozen=True)
class Bench:
    """One agency ready to be spoken to: its checked file, its folder, and what `env:` names mean."""

    configuration: Configuration
    """The folder with this agency alone."""
    file: AgencyFile
    environment: Mapping[str, str]

    @property
    def agency(self) -> str:
        return self.file.agency

    @property
    def folder(self) -> Path:
        return self.configuration.folder

    def declaration(self, path: Path) -> Declaration:
        """The declaration in a JSON or WCO XML file. Raises Unready."""
        return declaration_in(path, self.configuration.rulebook())

    def dossiers(
        self,
        declaration: Declaration | None = None,
        *,
        service: str | None = None,
        mrn: str | None = None,
        at: datetime | None = None,
        receipt: Receipt | None = None,
    ) -> list[Dossier]:
        """
        What the agency would be asked: one dossier for each of its services that routing says the declaration
        needs, or for `service` alone, whatever routing says.

        Without a declaration, a sample one in which everything is declared, under the sample's mrn; without
        `mrn`, a declaration gets a new one. Raises Unready when the agency has no such service, or the
        declaration needs none of them.
        """
        if service is not None:
            self._known(service)
        at = at or utc_now()
        if declaration is None:
            found = self._of_sample(service, mrn, at)
        else:
            found = self._of_declaration(declaration, service, mrn, at)
        return [dossier.model_copy(update={"receipt": receipt}) for dossier in found]

    @asynccontextmanager
    async def gateway(self, *, clock: Clock = utc_now) -> AsyncIterator[Gateway]:
        """The gateway to this agency as production has it. Raises Unready when a variable is not set."""
        require(self.file, self.environment)
        gateway = Gateway(
            {self.agency: self.file},
            self.configuration.versions,
            self.folder,
            self.environment,
            {self.agency: self.configuration.calendars[self.agency].zone},
            clock,
        )
        try:
            yield gateway
        finally:
            await gateway.close()

    def speaking_to(self, file: AgencyFile, environment: Mapping[str, str]) -> Bench:
        """The same bench with another form of the agency's file, as one that speaks to a played agency."""
        return replace(self, file=file, environment=environment)

    def _of_sample(self, service: str | None, mrn: str | None, at: datetime) -> list[Dossier]:
        by_service: dict[str, Dossier] = {}
        for dossier, whole in sample_dossiers(self.file):
            if whole and service in (None, dossier.terms.service):
                by_service.setdefault(dossier.terms.service, dossier)
        return [_renumbered(dossier, mrn, at) for dossier in by_service.values()]

    def _of_declaration(
        self, declaration: Declaration, service: str | None, mrn: str | None, at: datetime
    ) -> list[Dossier]:
        rulebook = self.configuration.rulebook()
        mrn = mrn or new_mrn(rulebook.country, at)
        accepted = accept(declaration, rulebook, mrn=mrn, client=_CLIENT, at=at)
        asked = accepted.routing.services()
        if service is not None:
            everything = tuple(item.number for item in declaration.items)
            asked = {service: asked.get(service, everything)}
        if not asked:
            raise Unready(
                "\n".join(
                    [f"this declaration needs no service of {self.agency}:", *_why_not(accepted)],
                ),
                f"declare other goods, or name one with --service: {', '.join(self.file.services)}",
            )
        return [
            Dossier(
                declaration=declaration,
                terms=self._terms(mrn, code, items, at),
                accepted_at=accepted.accepted_at,
            )
            for code, items in asked.items()
        ]

    def _terms(self, mrn: str, code: str, items: tuple[int, ...], at: datetime) -> ReferralTerms:
        service = self.file.services[code]
        return terms_of(
            service,
            code,
            self.agency,
            mrn,
            items,
            due_at=self.configuration.calendars[self.agency].due(at, service.answer_within),
            version=self.configuration.versions[self.agency],
        )

    def _known(self, service: str) -> None:
        if service not in self.file.services:
            like = nearest(service, self.file.services)
            hint = f"did you mean {like!r}?" if like else f"there are {', '.join(self.file.services)}"
            raise Unready(f"{self.agency} has no service {service!r}", hint)


def open_bench(
    folder: Path, agency: str, environment: Mapping[str, str], *, development: bool = True
) -> Bench:
    """
    One agency out of a configuration folder, checked with its contract.

    Raises Unready when the folder has no such agency, ConfigurationFaults with every fault of its file and of
    those that all agencies share. What is insecure is a fault outside `development`.
    """
    find(folder, agency)
    configuration = load(
        folder,
        development=development,
        environment=environment,
        check=lambda agencies: check_channels(agencies, folder, environment),
        only=agency,
    )
    return Bench(configuration, configuration.agencies[agency], environment)


def under_new_lrn(declaration: Declaration, mrn: str) -> Declaration:
    """The same declaration under an lrn of its own, so that a try is never taken for the one before."""
    return declaration.model_copy(update={"lrn": f"{declaration.lrn[: _LONGEST_LRN - 20]}-{mrn}"})


def _renumbered(dossier: Dossier, mrn: str | None, at: datetime) -> Dossier:
    """A sample under another mrn and at another time, due as long after it as before."""
    late = at - SAMPLE_TIME
    changes: dict[str, object] = {"due_at": dossier.terms.due_at + late}
    if mrn is not None:
        changes |= {"mrn": mrn, "id": referral_id(mrn, dossier.terms.service)}
    return dossier.model_copy(update={"terms": dossier.terms.model_copy(update=changes), "accepted_at": at})


def _why_not(accepted: Acceptance) -> list[str]:
    said = [f"  goods item {c.item}, {c.service}: {c.because}" for c in accepted.routing.ruled_out]
    return said or ["  no HS prefix of its services matches any of the goods"]

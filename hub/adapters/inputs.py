"""
What a submission tells its agency of a declaration, as a digest.

By it an amendment knows whom it concerns: the request is made up for the old content and for the new one, and
the same request means that the agency would see no difference.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hub.adapters.context import dossier_context, rfc3339
from hub.adapters.reading import content_id
from hub.adapters.rest import RestCall
from hub.adapters.soap import SoapCall
from hub.config.models import AgencyFile
from hub.domain.exchange import Dossier
from hub.domain.names import check_digit, referral_id

_STEM = "00XX0000000000000"
_MRN = _STEM + check_digit(_STEM)
_TIME = rfc3339(datetime(2000, 1, 1, tzinfo=UTC))
_PROOF = "1"
"""Stands for whatever proves the hub."""


def digest(call: SoapCall | RestCall, dossier: Dossier, file: AgencyFile) -> str:
    """
    A hash of everything that the submission would tell, in hexadecimal; the same for the same content.

    Raises Misfit, ExpressionFailed where the request cannot be made up.
    """
    return content_id(call.content(content_context(dossier, file)))


def content_context(dossier: Dossier, file: AgencyFile) -> dict[str, Any]:
    """
    A dossier as the expressions of a submission see it, with the same in it for every referral to a service
    wherever it is no content: ids, times of the hub's own, the revision, what proves the hub; and what the
    file itself says of the service, which no declaration changes.
    """
    context = dossier_context(dossier, file)
    service = dossier.terms.service
    referral = {
        **context["referral"],
        "id": referral_id(_MRN, service),
        "mrn": _MRN,
        "revision": 1,
        "former": [],
        "due_at": _TIME,
        "accepted_at": _TIME,
    }
    asked = file.services.get(service)
    if asked is not None:
        referral["service_name"] = asked.name.get("en", service)
        referral["law"] = asked.law.get("en", "")
        referral["document"] = asked.document
    return {
        **context,
        "referral": referral,
        "receipt": {"reference": "", "values": {}},
        "secret": dict.fromkeys(file.channel.secrets, _PROOF),
        "session": {"token": _PROOF},
    }

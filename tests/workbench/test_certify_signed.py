"""The kit with an agency that signs its answers: what was changed on the way is not believed."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from ruamel.yaml import YAML

from hub.workbench.bench import open_bench
from hub.workbench.certify.finding import Mark
from hub.workbench.certify.kit import Wishes, certify
from tests.adapters.proof.certificates import issue
from tests.adapters.proof.signatures import envelope, sign
from tests.adapters.system import Heard, Say, answer, system
from tests.workbench.certifying import every_agency

RECEIPT = (
    '<a:SubmitLicenceCaseResponse xmlns:a="http://controlled.agency.example/licence/2009">'
    "<a:CaseId>DC-%d</a:CaseId><a:Phase>pending</a:Phase></a:SubmitLicenceCaseResponse>"
)


def test_a_tampered_answer_is_not_believed_and_a_fault_is_told(tmp_path: Path) -> None:
    """The certificate that answers are held against is the agency's; what comes unsigned decides nothing."""
    folder = every_agency(tmp_path)
    now, day = datetime.now(UTC), timedelta(days=1)
    theirs = issue("agency", start=now - day, end=now + day)
    certificate, key = issue("hub", start=now - day, end=now + day).put(tmp_path, "ours")
    (tmp_path / "theirs.pem").write_bytes(theirs.pem)
    path, yaml, numbers = folder.path / "agencies" / "dapa.yaml", YAML(typ="safe"), count(1)
    content = yaml.load(path)
    content["channel"]["auth"]["ws_security"] = {
        "signature": {"certificate": "env:OURS", "key": "env:OURS_KEY", "agency_certificate": "env:THEIRS"}
    }
    yaml.dump(content, path)

    def script(heard: Heard) -> Say:
        # Half a request is no request: a fault that nobody has signed.
        if not heard.body.rstrip().endswith(b"Envelope>"):
            fault = b"<faultcode>s:Client</faultcode><faultstring>half a message</faultstring>"
            said = (
                b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault>'
                + fault
                + b"</s:Fault></s:Body></s:Envelope>"
            )
            return answer(500, said, Content_Type="text/xml")
        return answer(200, sign(envelope(RECEIPT % next(numbers)), theirs), Content_Type="text/xml")

    only = ("fault", "retry-after", "garbage-answer", "unknown-word", "wrong-credential", "tampered-answer")
    with system(script) as agency:
        bench = open_bench(
            folder.path,
            "dapa",
            {
                "DAPA_ENDPOINT": agency.url,
                "OURS": certificate,
                "OURS_KEY": key,
                "THEIRS": str(tmp_path / "theirs.pem"),
            },
        )
        report = asyncio.run(certify(bench, Wishes(only=only, patience=2)))
    told = "\n".join(f"{one.name} {one.mark}: {one.reason} {one.seen}" for one in report.behaviours)
    assert {one.name: one.mark for one in report.behaviours} == {
        "fault": Mark.PASSED,
        "retry-after": Mark.PASSED,
        "garbage-answer": Mark.PASSED,
        # None can be edited; a certificate is no secret that could be spoilt.
        "unknown-word": Mark.NOT_APPLICABLE,
        "wrong-credential": Mark.NOT_APPLICABLE,
        "tampered-answer": Mark.PASSED,
    }, told

"""
How long pages take: `python -m benchmarks.pages URL`, for a store that `benchmarks.fill` has filled.

Starts `hub api` on the store, signs in as people do, and asks for every page so many times. The engine need
not be there. Prints a table; the exit status is 1 when a page takes longer than it may.
"""

from __future__ import annotations

import argparse
import os
import random
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from hub.clock import utc_now
from hub.console import passwords
from hub.domain.stuck import StuckKind
from hub.loopback import free_port
from hub.operations.tracking import MOST_LINKS, code_hash, new_code
from hub.ports import TrackingLink, User, UserRole
from hub.store import Store, create_store, upgrade
from hub.store.engine import Database

LIMIT = timedelta(milliseconds=300)
"""In which each page answers, in 95 of 100 requests."""
_STARTS_WITHIN = 60.0


@dataclass(frozen=True)
class Page:
    """One page; `paths` are asked for in turn, so that no single declaration is measured alone."""

    name: str
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Measured:
    """How it went."""

    page: Page
    statuses: frozenset[int]
    milliseconds: tuple[float, ...]
    size: int
    processor: float
    """Milliseconds of it that a request takes of the API's process on average, busy machine or not."""

    def within(self, share: float) -> float:
        """What this share of the requests took no longer than."""
        ordered = sorted(self.milliseconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def pages_of(url: str, code: str) -> list[Page]:
    """Every page that staff and declarants open, of a store."""
    database = Database(url)
    chance = random.Random(3)  # noqa: S311 - the same pages each time
    with database.read() as connection:

        def column(query: str) -> list[str]:
            return [row[0] for row in connection.execute(text(query))]

        stuck = column("SELECT mrn FROM attention WHERE kind IS NOT NULL ORDER BY mrn LIMIT 400")
        every = column("SELECT mrn FROM declarations ORDER BY accepted_at DESC, mrn LIMIT 2000")
        agencies = column("SELECT DISTINCT agency FROM referrals WHERE awaited ORDER BY agency")
        [declarant] = column("SELECT declarant FROM declarations LIMIT 1")
        [lrn] = column("SELECT lrn FROM declarations ORDER BY mrn LIMIT 1")
    database.close()
    mrns = chance.sample(every, min(15, len(every))) + chance.sample(stuck, min(15, len(stuck)))

    def of(path: str, names: Sequence[str]) -> tuple[str, ...]:
        return tuple(path.format(name) for name in names)

    return [
        Page("Now", ("/console",)),
        Page("Agencies", ("/console/agencies",)),
        Page("An agency, 24 hours", of("/console/agencies/{}?days=1", agencies)),
        Page("An agency, 7 days", of("/console/agencies/{}?days=7", agencies)),
        Page("An agency, 90 days", of("/console/agencies/{}?days=90", agencies)),
        Page("Stuck work", ("/console/stuck",)),
        Page("Stuck work, oldest first", ("/console/stuck?order=oldest",)),
        Page("Stuck work of an agency", of("/console/stuck?agency={}", agencies)),
        Page("Stuck work of a kind", of("/console/stuck?kind={}", [kind.value for kind in StuckKind])),
        Page("Stuck work by chapter", of("/console/stuck?chapter={}", ["02", "08", "30", "44", "85", "95"])),
        Page("Stuck work of a declarant", (f"/console/stuck?declarant={declarant}",)),
        Page("Stuck work by reference", (f"/console/stuck?text={lrn}", f"/console/stuck?text={mrns[0]}")),
        Page("Declarations", ("/console/declarations",)),
        Page("Declarations by reference", (f"/console/declarations?text={lrn}",)),
        Page("A declaration", of("/console/declarations/{}", mrns)),
        Page("Incidents", ("/console/incidents",)),
        Page("Approvals", ("/console/approvals",)),
        Page("Bulk actions", ("/console/bulks",)),
        Page("A bulk action, counted first", ("/console/bulks/new?action=retry&kind=unreachable",)),
        Page("Audit", ("/console/audit",)),
        Page("Doctor", ("/console/doctor",)),
        Page("Users", ("/console/users",)),
        Page("Account", ("/console/account",)),
        Page("Tracking, its form", ("/track",)),
        Page("Tracking a declaration", (f"/track/{code}",)),
        Page("Metrics", ("/metrics",)),
    ]


def measure(client: httpx.Client, page: Page, repeats: int, pause: float, process: int) -> Measured:
    """Ask for it so many times, one after the other, `pause` seconds between."""
    took, statuses, size, before = [], set(), 0, _processor(process)
    for number in range(repeats):
        path = page.paths[number % len(page.paths)]
        time.sleep(pause)
        began = time.perf_counter()
        answer = client.get(path)
        took.append((time.perf_counter() - began) * 1000)
        statuses.add(answer.status_code)
        size = max(size, len(answer.content))
    spent = (_processor(process) - before) / repeats
    return Measured(page, frozenset(statuses), tuple(took), size, spent)


def _processor(process: int) -> float:
    """Milliseconds of processor time that a process has used so far (proc(5): fields 14 and 15)."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def signed_in(base: str, store: Store) -> httpx.Client:
    """A browser in which a new supervisor has signed in."""
    name, password = f"bench-{secrets.token_hex(4)}", secrets.token_urlsafe(16)
    user = User(name=name, display="Bench", role=UserRole.ADMIN, created_at=utc_now())
    store.add_user(user, passwords.hash_of(password), None)
    client = httpx.Client(base_url=base, headers={"Origin": base, "Accept-Language": "en"}, timeout=60)
    answer = client.post("/console/sign-in", data={"name": name, "password": password, "next": ""})
    if answer.status_code != 303:
        raise RuntimeError(f"could not sign in: {answer.status_code}")
    return client


def tracking_code(store: Store, mrn: str) -> str:
    """The code of a new link of a declaration."""
    code = new_code()
    link = TrackingLink(id=secrets.token_hex(8), mrn=mrn, made_at=utc_now(), made_by="bench")
    if not store.add_tracking_link(link, code_hash(code), MOST_LINKS):
        raise RuntimeError(f"{mrn} has too many links")
    return code


@contextmanager
def api(url: str, config: Path) -> Iterator[tuple[str, int]]:
    """`hub api` on the store, in a process of its own; its address and its process id."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    environment = {
        **os.environ,
        "HUB_ENVIRONMENT": "development",
        "HUB_DATABASE_URL": url,
        "HUB_CONFIG_FOLDER": str(config),
        "HUB_API_PORT": str(port),
        "HUB_TEMPORAL_ADDRESS": "127.0.0.1:9",
        "HUB_SIMULATOR_URL": "http://127.0.0.1:9",
    }
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [Path(sys.executable).with_name("hub"), "api"], env=environment, stdout=log, stderr=log
        )
        try:
            until = time.monotonic() + _STARTS_WITHIN
            while time.monotonic() < until and process.poll() is None:
                with suppress(httpx.TransportError):
                    if httpx.get(f"{base}/healthz").status_code == 200:
                        break
                time.sleep(0.2)
            else:
                log.seek(0)
                raise RuntimeError(f"hub api does not start:\n{log.read().decode()[-4000:]}")
            yield base, process.pid
        finally:
            process.terminate()
            process.wait(20)


def table_of(measured: Sequence[Measured]) -> Table:
    table = Table(title="Pages, in milliseconds")
    for name in ("page", "status", "p50", "p95", "slowest", "processor", "kB"):
        table.add_column(name, justify="left" if name == "page" else "right")
    for one in measured:
        late = one.within(0.95) > LIMIT.total_seconds() * 1000
        table.add_row(
            one.page.name,
            " ".join(map(str, sorted(one.statuses))),
            f"{one.within(0.5):.0f}",
            f"[red]{one.within(0.95):.0f}[/red]" if late else f"{one.within(0.95):.0f}",
            f"{max(one.milliseconds):.0f}",
            f"{one.processor:.0f}",
            f"{one.size / 1000:.0f}",
        )
    return table


def main() -> None:
    reading = argparse.ArgumentParser(description="Measure how long pages take.")
    reading.add_argument("url", help="of a store that benchmarks.fill has filled")
    reading.add_argument("--repeats", type=int, default=40, help="requests for each page")
    reading.add_argument("--pause", type=float, default=0.0, help="seconds between requests")
    reading.add_argument("--only", default="", help="pages whose name holds this")
    reading.add_argument("--config", type=Path, default=Path("adapters_config"))
    told = reading.parse_args()
    upgrade(told.url)
    store = create_store(told.url)
    database = Database(told.url)
    with database.read() as connection:
        mrn = connection.execute(text("SELECT min(mrn) FROM declarations")).scalar_one()
    database.close()
    chosen = [
        page
        for page in pages_of(told.url, tracking_code(store, mrn))
        if told.only.lower() in page.name.lower()
    ]
    with (
        api(told.url, told.config) as (base, process),
        closing(signed_in(base, store)) as client,
    ):
        for page in chosen:
            client.get(page.paths[0])  # templates are compiled once, not for each page
        measured = [measure(client, page, told.repeats, told.pause, process) for page in chosen]
    store.close()
    Console(width=100).print(table_of(measured))
    late = [one for one in measured if one.within(0.95) > LIMIT.total_seconds() * 1000]
    failed = [one for one in measured if one.statuses != {200}]
    sys.exit(1 if late or failed else 0)


if __name__ == "__main__":
    main()

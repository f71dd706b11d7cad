"""The hub that is asked: the embedded stack with something in it, and a key of every role."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fuzz.judging import Judge
from hub.api.clients import new_key
from hub.cli.client import Api
from hub.cli.demonstration import stories
from hub.clock import utc_now
from hub.config.loader import Configuration, load
from hub.console.security import csrf_token, new_token, token_hash
from hub.embedded import Ports, Stack
from hub.ports import ApiClient, Role, User, UserRole
from hub.simulator.environment import environment
from hub.store import Store, create_store

DEMO = resources.files("hub.demo")
_STORIES = frozenset({"Fresh sweet cherries", "Beef with a question open", "Frozen boneless beef"})
_PATIENCE = 60.0
_ROOT = Path(__file__).parent.parent


@dataclass
class Target:
    """
    A stack that runs. `configuration` is what it was started with.

    Its doors are asked as a machine with the key of a role, as an agency, or as somebody at the console.
    """

    stack: Stack
    configuration: Configuration
    keys: dict[str, str] = field(default_factory=dict)
    """By role, the key of a client."""
    sessions: dict[str, str] = field(default_factory=dict)
    """By role, the token of a console session."""
    mrns: list[str] = field(default_factory=list)
    referrals: dict[str, str] = field(default_factory=dict)
    """By agency, one referral that was put to it."""
    question: tuple[str, str, str] = ("", "", "")
    """A declaration, service and question that wait for an answer."""
    tracking: str = ""
    """The path of a tracking link that opens."""

    @property
    def port(self) -> int:
        return self.stack.ports.api

    @property
    def pids(self) -> dict[str, int]:
        """The processes of the hub itself."""
        return {name: self.stack.pid(name) for name in ("api", "worker")}

    @cached_property
    def secrets(self) -> Mapping[str, str]:
        """By its name, every endpoint and secret that the agencies' files name."""
        seed = self.stack.environment["HUB_SIMULATOR_SEED"]
        return environment(self.configuration.agencies, self.stack.simulator_url, seed)

    @cached_property
    def judge(self) -> Judge:
        """Knows every secret of this stack."""
        telling = [value for name, value in self.secrets.items() if not value.startswith("http")]
        ours = ("HUB_CARGO_TOKEN", "HUB_SIMULATOR_SEED", "HUB_OIDC_CLIENT_SECRET")
        telling += [self.stack.environment[name] for name in ours if name in self.stack.environment]
        telling += [*self.keys.values(), *self.sessions.values(), self.stack.console_password]
        folders = {self.stack.folder.resolve(), _ROOT, self.stack.config_folder.resolve()}
        return Judge(
            secrets=frozenset(text.encode() for text in telling),
            folders=frozenset(str(folder).encode() for folder in folders),
            published=(_ROOT / "docs" / "operations.md").read_bytes(),
        )

    def authorized(self, role: str = Role.ADMIN) -> dict[str, str]:
        """The header that proves a client of this role."""
        return {"Authorization": f"Bearer {self.keys[role]}"}

    def signed_in(self, role: str) -> tuple[dict[str, str], str]:
        """The headers of a browser in which somebody of this role has signed in; the token of its forms."""
        token = self.sessions[role]
        return (
            {"Cookie": f"hub-session={token}", "Origin": f"http://127.0.0.1:{self.port}", "Host": self.host},
            csrf_token(token),
        )

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"


@contextmanager
def running(folder: Path, config: Path, overrides: Mapping[str, str] | None = None) -> Iterator[Target]:
    """The whole stack on free ports of loopback, with declarations in it, until the end of the block."""
    with asyncio.Runner() as runner:
        stack = Stack(folder, Ports.free(), config, dict(overrides or {}))
        try:
            runner.run(stack.start())
            target = Target(stack, load(config, development=True))
            _let_in(target)
            _fill(target)
            yield target
            # The loop hears of children that have ended only while it runs.
            runner.run(asyncio.sleep(0.1))
            stack.check_alive()
        finally:
            runner.run(stack.stop())


def _let_in(target: Target) -> None:
    """A client and a session of every role."""
    store: Store = create_store(target.stack.environment["HUB_DATABASE_URL"])
    try:
        for role in Role:
            key, hashed = new_key()
            agency = "mfds" if role is Role.AGENCY else None
            name = f"fuzz-{role}"
            client = ApiClient(id=name, name=name, role=role, agency=agency, created_at=utc_now())
            store.add_client(client, hashed)
            target.keys[role] = key
        for rank in UserRole:
            token = new_token()
            user = User(name=f"fuzz-{rank}", display=f"Fuzz {rank}", role=rank, created_at=utc_now())
            store.add_user(user, None, None)
            store.open_session(token_hash(token), user.name, utc_now(), None)
            target.sessions[rank] = token
    finally:
        store.close()


def _fill(target: Target) -> None:
    """Declarations of some kinds, one with an open question, one that is followed by a link."""
    api = Api(target.stack.api_url, target.keys[Role.CUSTOMS])
    asked = ""
    for story in stories():
        receipt = api.lodge(story.content, story.media_type)
        mrn = receipt["mrn"]
        for referral in receipt["referrals"]:
            service = referral["service"]
            target.referrals[target.configuration.catalogue.service(service).agency] = f"{mrn}/{service}"
        if story.title in _STORIES:
            target.mrns.append(mrn)
            asked = mrn if story.title == "Beef with a question open" else asked
    link = api.send("POST", f"/v1/declarations/{target.mrns[0]}/tracking-links", {})
    target.tracking = urlsplit(link["url"]).path
    for _ in _until(_PATIENCE):
        open_ = api.get(f"/v1/declarations/{asked}/questions")["questions"]
        if open_:
            target.question = (asked, open_[0]["service"], open_[0]["id"])
            return
    raise TimeoutError("the agency does not ask its question")


def _until(seconds: float) -> Iterator[int]:
    """Again and again, with a short pause, for so long."""
    deadline = time.monotonic() + seconds
    for number in itertools.count():
        if time.monotonic() > deadline:
            return
        yield number
        time.sleep(0.1)


def demo(name: str) -> bytes:
    """A sound document that the product shows."""
    return DEMO.joinpath(name).read_bytes()


def demo_json(name: str) -> Any:
    return json.loads(demo(name))

"""How the two sides prove themselves, with the names of the variables that hold what is secret."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from hub.adapters.shape import Part
from hub.workbench.proposing.places import places
from hub.workbench.proposing.survey import Offer, Proof, Survey
from hub.workbench.proposing.tree import Branch, Leaf, Node, todo
from hub.workbench.proposing.words import words

_MEANING = {
    "ENDPOINT": "where the agency's system is",
    "USER": "the hub's user name there",
    "PASSWORD": "and its password",
    "TOKEN": "the token the agency gave the hub",
    "KEY": "the key the agency gave the hub",
    "TOKEN_URL": "where tokens are fetched",
    "CLIENT_ID": "the hub's client id there",
    "CLIENT_SECRET": "and its secret",
    "CERTIFICATE": "path of a PEM file: the hub's certificate",
    "CERTIFICATE_KEY": "path of a PEM file: the key of the hub's certificate",
    "AGENCY_CERTIFICATE": "path of a PEM file: the certificate the agency signs with",
    "CALLBACK_SECRET": "the secret by which the agency signs what it posts to the hub",
    "CALLBACK_TOKEN": "the token with which the agency posts to the hub",
}
_KEYS = {"access", "api", "login", "password", "security", "service", "subscription"}
"""What stands before `key` where it is a credential."""
_ASK = "how the hub proves itself (bearer basic api_key oauth2 hmac{soap}; {{}} if not at all)"


@dataclass
class Credentials:
    """The variables of one agency, gathered as they are used."""

    agency: str
    variables: dict[str, str] = field(default_factory=dict)
    """What to set, and what each is."""
    secrets: dict[str, Node] = field(default_factory=dict)
    """The key `secrets`: what requests see as `secret`, by name."""

    def variable(self, name: str) -> str:
        """`env:` and the variable's name."""
        whole = f"{self.agency.upper().replace('-', '_')}_{name}"
        self.variables.setdefault(whole, _MEANING.get(name, name.lower().replace("_", " ")))
        return f"env:{whole}"

    def auth(self, survey: Survey, *, logged_in: bool, carried: bool) -> Node:
        """The key `auth`; `carried`: there are secrets that stand in the requests themselves."""
        kinds = [proof for proof in survey.proofs if "mtls" not in proof.keys]
        beside = [proof for proof in survey.proofs if "mtls" in proof.keys]
        if not kinds and not beside:
            if carried and not logged_in:
                return Branch({}, comment="the requests themselves carry what proves the hub")
            if logged_in or survey.proof_told:
                return Branch(
                    {}, comment="the login proves the hub" if logged_in else "the contract asks for none"
                )
            soap = " ws_security" if survey.adapter == "soap" else ""
            return todo(_ASK.format(soap=soap))
        if logged_in and kinds and "bearer" in kinds[0].keys:
            return Branch({}, comment="the login proves the hub")
        entries: dict[str, Node] = {}
        comment = ""
        if kinds:
            entries |= self._keys(kinds[0])
            others = [name for proof in kinds[1:] for name in proof.keys if name not in kinds[0].keys]
            comment = f"the contract has also: {', '.join(dict.fromkeys(others))}" if others else ""
            address = kinds[0].keys.get("oauth2")
            if isinstance(address, dict) and address.get("token_address"):
                comment = f"the contract says {address['token_address']}"
        for proof in beside[:1]:
            entries |= self._keys(proof)
        return Branch(entries, comment=comment)

    def _keys(self, proof: Proof) -> dict[str, Node]:
        return {name: self._node(value) for name, value in proof.keys.items()}

    def _node(self, value: object) -> Node:
        if isinstance(value, dict):
            return Branch({name: self._node(held) for name, held in value.items() if name != "token_address"})
        if isinstance(value, str) and value.startswith("{"):
            return Leaf(self.variable(value.strip("{}")))
        return Leaf(value if isinstance(value, bool) else str(value))

    def callback(self, headers: tuple[str, ...], *, soap: bool) -> Node:
        """How the agency proves itself: as the contract's headers say, else by HMAC."""
        if any(name.lower() == "authorization" for name in headers) or (soap and not headers):
            return Branch({"bearer": Leaf(self.variable("CALLBACK_TOKEN"))})
        keys: dict[str, Node] = {"secret": Leaf(self.variable("CALLBACK_SECRET"))}
        signature = next((name for name in headers if "sign" in name.lower()), "X-Signature")
        stamp = next((name for name in headers if "time" in name.lower()), "X-Timestamp")
        if signature.lower() != "x-signature":
            keys["header"] = Leaf(signature)
        if stamp.lower() != "x-timestamp":
            keys["timestamp_header"] = Leaf(stamp)
        return Branch({"hmac": Branch(keys)})

    def login(self, offer: Offer) -> dict[str, str]:
        """Which element of a login holds which secret."""
        aliases: dict[str, str] = {}
        held = [one.part for one in offer.parameters]
        held += [place.part for place in places(offer.request)] if offer.request is not None else []
        for part in held:
            named = set(words(part.name))
            kind = (
                "password"
                if named & {"password"} and "user" not in named
                else "key"
                if "key" in named
                else "user"
                if named & {"user", "id", "login", "account", "client", "name"}
                else ""
            )
            if kind and kind not in self.secrets:
                aliases[part.name] = self._secret(kind)
        return aliases

    def carried(self, offers: Sequence[Offer]) -> dict[str, str]:
        """
        Which elements of requests hold which secret, where nobody logs in: a password or a key, and the user
        beside it.

        A user alone is none: most likely it is somebody whom the declaration names.
        """
        aliases: dict[str, str] = {}
        for offer in offers:
            for group in _groups(offer):
                proofs = {part.name: _proof_in(part) for part in group}
                if not any(proofs.values()):
                    continue
                for part in group:
                    kind = proofs[part.name] or _user_in(part)
                    if kind:
                        aliases.setdefault(part.name, self._secret(kind))
        return aliases

    def _secret(self, kind: str) -> str:
        """The expression that reads it."""
        self.secrets.setdefault(kind, Leaf(self.variable(kind.upper())))
        return f"secret.{kind}"


def _groups(offer: Offer) -> Iterator[list[Part]]:
    """The single values of a request that stand together."""
    yield [one.part for one in offer.parameters]
    for header in offer.headers:
        inner = [header] if header.inner is None else [place.part for place in places(header.inner)]
        yield inner
    groups: dict[tuple[str, ...], list[Part]] = {}
    for place in places(offer.request) if offer.request is not None else []:
        if not place.lists:
            groups.setdefault(tuple(step.name for step in place.steps[:-1]), []).append(place.part)
    yield from groups.values()


def _proof_in(part: Part) -> str:
    """The secret that a value is by its name, if it is one that nobody but the hub can know."""
    named = set(words(part.name))
    if "key" in named:
        return "key" if named & _KEYS or part.name.lower() == "apikey" else ""
    return "password" if "password" in named else ""


def _user_in(part: Part) -> str:
    """Whether a value that stands beside such a secret is whose it is."""
    named = set(words(part.name))
    return "user" if named & {"user", "login", "account"} else ""

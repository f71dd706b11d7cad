"""An OpenAPI document, or a Swagger 2.0 file, surveyed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from hub.adapters.openapi import Form, Node, RestContract, RestOperation
from hub.adapters.shape import Part, Shape
from hub.adapters.soap import ContractUnreadable
from hub.domain.shortening import in_whole_words
from hub.workbench.proposing.survey import Incoming, Offer, Parameter, Proof, Survey

_WORDS = 120
_CALLBACK_FORMATS = {Form.JSON: "json", Form.XML: "xml"}


def survey_rest(contract: RestContract) -> Survey:
    """What a document offers."""
    root = contract.root
    information = root.child("info")
    offers = [_offer(contract, method, path) for method, path in contract.operations()]
    incoming = [
        message
        for method, path in contract.operations()
        for message in _callbacks(contract, _node(contract, method, path))
    ]
    incoming += _webhooks(contract, root)
    schemes = _schemes(contract)
    required = _required(root, root)
    return Survey(
        adapter="rest",
        title=str(information.get("title") or ""),
        address=_address(contract),
        offers=tuple(offers),
        incoming=tuple(incoming),
        proofs=tuple(_proofs(schemes, required)),
        warnings=contract.warnings,
        proof_told=bool(schemes) or root.get("security") == [],
    )


def _node(contract: RestContract, method: str, path: str) -> Node:
    return contract.resolve(contract.root.child("paths", path)).child(method.lower())


def _offer(contract: RestContract, method: str, path: str) -> Offer:
    node = _node(contract, method, path)
    name = f"{method} {path}"
    bare = Offer(name=name, keys={"method": method, "path": path}, also=str(node.get("operationId") or ""))
    try:
        operation = contract.find(method, path)
        media = contract.body(operation)
        request = contract.request_shape(operation)
        if media is not None and media.schema is not None and request is not None:
            request = replace(request, many=contract.resolve(media.schema).get("type") == "array")
    except (ContractUnreadable, LookupError):
        return bare  # it may still be of use to somebody who knows what it wants
    form = "" if media is None or media.form is Form.JSON else media.form.value
    replies = [shape for shape in contract.reply_shapes(operation) if shape is not None]
    tags = node.get("tags")
    return replace(
        bare,
        summary=_short(node.get("summary") or node.get("description") or ""),
        request=request,
        single=media is not None and request is None,
        replies=tuple(replies),
        parameters=tuple(_parameters(contract, operation, node)),
        form=form,
        statuses={
            status: _short(contract.resolve(one).get("description") or "")
            for status, one in node.child("responses").children()
        },
        place=str(tags[0]) if isinstance(tags, list) and tags else "",
    )


def _short(text: object) -> str:
    return in_whole_words(str(text), _WORDS)


def _parameters(contract: RestContract, operation: RestOperation, node: Node) -> Iterator[Parameter]:
    words = {}
    for holder in (contract.root.child("paths", operation.path), node):
        for one in contract.resolve(holder).child("parameters").elements():
            told = contract.resolve(one)
            words[told.get("name")] = _short(told.get("description") or "")
    for parameter in operation.parameters:
        if parameter.where == "cookie" or parameter.name.lower() in (
            "authorization",
            "accept",
            "content-type",
        ):
            continue
        part = Part(parameter.name, base="string")
        if parameter.schema is not None:
            # As the one member of an object, it is read as any part is.
            around = Node(
                parameter.schema.document,
                {"type": "object", "properties": {parameter.name: parameter.schema.value}},
                f"{parameter.schema.pointer}#{parameter.where}",
            )
            shape = contract.shape(around, sent=True)
            part = shape.parts.get(parameter.name, part) if shape is not None else part
        said = words.get(parameter.name, "") or part.documentation
        yield Parameter(parameter.where, replace(part, required=parameter.required, documentation=said))


# --- what comes in --------------------------------------------------------------------------------------


def _callbacks(contract: RestContract, operation: Node) -> Iterator[Incoming]:
    for name, callback in operation.child("callbacks").children():
        for _, item in contract.resolve(callback).children():
            yield from _messages(contract, name, contract.resolve(item))


def _webhooks(contract: RestContract, root: Node) -> Iterator[Incoming]:
    for word in ("webhooks", "x-webhooks"):
        for name, item in root.child(word).children():
            yield from _messages(contract, name, contract.resolve(item))


def _messages(contract: RestContract, name: str, item: Node) -> Iterator[Incoming]:
    for method in ("post", "put"):
        operation = item.child(method)
        body = contract.resolve(operation.child("requestBody"))
        headers = tuple(
            str(told.get("name"))
            for one in operation.child("parameters").elements()
            if (told := contract.resolve(one)).get("in") == "header"
        )
        for kind, content in body.child("content").children():
            form = "xml" if "xml" in kind else "json"
            shape: Shape | None = None
            if content.child("schema").value is not None:
                shape = contract.shape(content.child("schema"))
            if shape is not None and shape.parts:
                yield Incoming(name, shape, form, headers)
                break


# --- proofs and addresses -------------------------------------------------------------------------------


def _schemes(contract: RestContract) -> dict[str, Node]:
    root = contract.root
    held = (
        root.child("components", "securitySchemes")
        if root.get("openapi")
        else root.child("securityDefinitions")
    )
    return {name: contract.resolve(node) for name, node in held.children()}


def _required(root: Node, operation: Node) -> list[str]:
    """The schemes that are asked for, the first alternative first."""
    wanted = operation.get("security") or root.get("security") or []
    return [str(name) for one in wanted if isinstance(one, dict) for name in one]


def _proofs(schemes: dict[str, Node], required: list[str]) -> Iterator[Proof]:
    order = [name for name in dict.fromkeys(required) if name in schemes]
    order += [name for name in schemes if name not in order]
    for name in order:
        keys = _keys(schemes[name])
        if keys is not None:
            yield Proof(keys, name)


def _keys(scheme: Node) -> dict[str, object] | None:
    kind, how = scheme.get("type"), str(scheme.get("scheme") or "").lower()
    if kind == "basic" or (kind == "http" and how == "basic"):
        return {"basic": {"username": "{USER}", "password": "{PASSWORD}"}}
    if kind == "http" and how == "bearer":
        return {"bearer": "{TOKEN}"}
    if kind == "apiKey" and scheme.get("in") in ("header", "query"):
        name = str(scheme.get("name"))
        if scheme.get("in") == "header" and name.lower() == "authorization":
            return {"bearer": "{TOKEN}"}
        return {"api_key": {str(scheme.get("in")): name, "value": "{KEY}"}}
    if kind == "oauth2":
        return _oauth2(scheme)
    return (
        {"mtls": {"certificate": "{CERTIFICATE}", "key": "{CERTIFICATE_KEY}"}}
        if kind == "mutualTLS"
        else None
    )


def _oauth2(scheme: Node) -> dict[str, object] | None:
    flow = scheme.child("flows", "clientCredentials")
    if flow.value is None and scheme.get("flow") == "application":
        flow = scheme
    if flow.value is None:
        # Flows for people in browsers: their token, if the agency gives the hub one.
        return {"bearer": "{TOKEN}"} if scheme.get("flows") or scheme.get("flow") else None
    address = str(flow.get("tokenUrl") or "")
    scopes = [name for name, _ in flow.child("scopes").children()]
    return {
        "oauth2": {
            "token_url": "{TOKEN_URL}",
            "token_address": address,
            "client_id": "{CLIENT_ID}",
            "client_secret": "{CLIENT_SECRET}",
            **({"scope": " ".join(scopes)} if scopes else {}),
        }
    }


def _address(contract: RestContract) -> str:
    root = contract.root
    if root.get("openapi"):
        return str(root.child("servers", 0).get("url") or "")
    host = root.get("host")
    schemes = root.get("schemes")
    scheme = "https" if not isinstance(schemes, list) or "https" in schemes else str(schemes[0])
    return f"{scheme}://{host}{root.get('basePath') or ''}" if host else ""

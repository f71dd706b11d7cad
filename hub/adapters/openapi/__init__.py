"""The agencies' REST contracts: OpenAPI 3.0 and 3.1, and Swagger 2.0."""

from hub.adapters.openapi.contract import NotWritten, RestContract
from hub.adapters.openapi.document import Node
from hub.adapters.openapi.operation import Encoding, Form, Media, Parameter, RestOperation
from hub.adapters.openapi.validation import Validation, Violation

__all__ = [
    "Encoding",
    "Form",
    "Media",
    "Node",
    "NotWritten",
    "Parameter",
    "RestContract",
    "RestOperation",
    "Validation",
    "Violation",
]

"""REST: requests written by an OpenAPI contract, answers read as they come."""

from hub.adapters.rest.call import RestCall
from hub.adapters.rest.plain_json import read_json

__all__ = ["RestCall", "read_json"]

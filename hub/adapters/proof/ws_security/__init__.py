"""Web Services Security 1.1 (OASIS, 2006): what is added to an envelope, and what an answer must show."""

from hub.adapters.proof.ws_security.header import WsSecurity, ws_security

__all__ = ["WsSecurity", "ws_security"]

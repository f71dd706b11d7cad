"""
How the hub proves itself to an agency, and the agency to the hub.

    headers        bearer, basic, api_key: what every request carries
    request_hmac   requests signed with a shared secret
    oauth2         tokens from the agency's authorisation server
    session        tokens from the agency's own log-in operation
    secrets        credentials that stand in a request itself
    held           what a token is kept in, whichever way it was had
    ws_security    UsernameToken, Timestamp, X.509 signatures, and the check of what is answered
    tls            the client's certificate, and whom to trust

`Proof` is all of it for one channel.
"""

from hub.adapters.proof.proof import PLACEHOLDER, Proof, prove

__all__ = ["PLACEHOLDER", "Proof", "prove"]

"""An agency system behind real TLS, which may want to know who calls."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.adapters.proof.certificates import Identity
from tests.adapters.system import Say, System


class TlsSystem(System):
    """The shaking of hands is done in the thread of each connection; one that fails hears nothing."""

    context: ssl.SSLContext
    shown: list[str]

    def _talk(self, line: socket.socket) -> None:
        secure = self.context.wrap_socket(line, server_side=True, do_handshake_on_connect=False)
        try:
            secure.do_handshake()
        except OSError:
            _linger(secure)
            return
        peer = secure.getpeercert() or {}
        self.shown += [
            value for row in peer.get("subject", ()) for name, value in row if name == "commonName"
        ]
        super()._talk(secure)


def _linger(line: socket.socket) -> None:
    """Close as careful servers do: an alert that was sent is not lost to what the other side still sends."""
    with line:
        try:
            socket.socket.shutdown(line, socket.SHUT_WR)
            while socket.socket.recv(line, 4096):
                pass
        except OSError:
            return


@contextmanager
def tls_system(
    say: Say,
    folder: Path,
    identity: Identity,
    *,
    clients: bytes | None = None,
    version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
) -> Iterator[TlsSystem]:
    """`clients` are the authorities of client certificates; where they are given, one must be shown."""
    running = TlsSystem(lambda _: say)
    running.shown = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = version
    context.load_cert_chain(*identity.put(folder, "server"))
    if clients is not None:
        context.load_verify_locations(cadata=clients.decode())
        context.verify_mode = ssl.CERT_REQUIRED
    running.context = context
    listener = socket.create_server(("127.0.0.1", 0))
    running.url = f"https://127.0.0.1:{listener.getsockname()[1]}"
    thread = threading.Thread(target=running.serve, args=(listener,), daemon=True)
    thread.start()
    try:
        yield running
    finally:
        running.down.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)

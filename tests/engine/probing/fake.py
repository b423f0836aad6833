"""An endpoint that somebody else serves, on a real socket of this machine, as well or as badly behaved as asked for."""

from __future__ import annotations

import json
import ssl
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

Answer = tuple[int, bytes, "Mapping[str, str]"]
"""Status, body, headers."""


def said(document: object, status: int = 200) -> Answer:
    """An answer in JSON."""
    return status, json.dumps(document).encode(), {"content-type": "application/json"}


V2: Mapping[str, Answer] = {
    "/v2/health/ready": (200, b"", {}),
    "/v2": said({"name": "triton", "version": "2.40", "extensions": []}),
    "/v2/models/churn": said({"name": "churn", "versions": ["3", "4"], "platform": "onnxruntime_onnx"}),
}
MLFLOW: Mapping[str, Answer] = {"/ping": (200, b"\n", {}), "/version": (200, b"3.1.4", {})}


class Fake:
    """What is answered, and what was asked.

    Args:
        answers: By path; any other is a 404.
    """

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self.answers = dict(answers)
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.act: Callable[[BaseHTTPRequestHandler], None] | None = None
        self.let_go = threading.Event()
        self.url = ""


@contextmanager
def served(answers: Mapping[str, Answer], tls: ssl.SSLContext | None = None) -> Iterator[Fake]:
    """Serve these answers on a free port of 127.0.0.1."""
    fake = Fake(answers)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            fake.asked.append((self.path, {key.lower(): value for key, value in self.headers.items()}))
            if fake.act is not None:
                fake.act(self)
                return
            status, body, headers = fake.answers.get(self.path, (404, b"no", {}))
            self.send_response(status)
            for key, value in {**headers, "content-length": str(len(body))}.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """A caller that goes away is none of this server's errors."""

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    fake.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{server.server_port}"
    try:
        yield fake
    finally:
        fake.let_go.set()
        server.shutdown()
        server.server_close()


def certificate(folder: Path, *, days: int) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """What serves with a certificate of its own that ends in so many days, and what trusts it."""
    key, chain = folder / "key.pem", folder / "chain.pem"
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    words += ["-subj", "/CN=probed", "-addext", "subjectAltName=IP:127.0.0.1", "-days", str(days)]
    subprocess.run([*words, "-keyout", str(key), "-out", str(chain)], check=True, capture_output=True, timeout=30)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(chain, key)
    return serving, ssl.create_default_context(cafile=str(chain))

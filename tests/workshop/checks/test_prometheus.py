"""The queries of a check to Prometheus: with a token in the lab and on OpenShift, and there for one project."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.workshop.checks.test_m01 import Objects
from workshop.checks import CheckContext
from workshop.cluster.jsonhttp import NoAnswer
from workshop.lab.api.auth import certificate
from workshop.participants.names import Participant


class Thanos(HTTPServer):
    """OpenShift's port for one project."""

    asked: list[dict[str, list[str]]]


class Handler(BaseHTTPRequestHandler):
    server: Thanos

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        self.server.asked.append(asked)
        known = self.headers["Authorization"] == "Bearer t0" and asked.get("namespace") == ["user1-production"]
        body = json.dumps({"data": {"result": [{"value": [0, "3"]}]}}).encode()
        self.send_response(200 if known else 403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def thanos(tmp_path: Path) -> Iterator[Thanos]:
    made = certificate(tmp_path / "tls")
    server = Thanos(("127.0.0.1", 0), Handler)
    server.asked = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.cert, made.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def _context(server: Thanos, tmp_path: Path, **env: str) -> CheckContext:
    address = f"https://127.0.0.1:{server.server_port}"
    return CheckContext(
        Objects(), Participant("user1").variables({"PROMETHEUS_URL": address}), tmp_path, env, "cluster"
    )


def test_a_token_the_project_and_the_authority_go_along(thanos: Thanos, tmp_path: Path) -> None:
    authority = str(tmp_path / "tls" / "ca.crt")
    context = _context(thanos, tmp_path, PROMETHEUS_TOKEN="t0", PROMETHEUS_CA_FILE=authority)
    assert context.prometheus.value("sum(x)") == 3
    assert thanos.asked == [{"query": ["sum(x)"], "namespace": ["user1-production"]}]


def test_a_server_with_an_unknown_certificate_gets_no_token(thanos: Thanos, tmp_path: Path) -> None:
    with pytest.raises(NoAnswer):
        _context(thanos, tmp_path, PROMETHEUS_TOKEN="t0").prometheus.value("sum(x)")
    assert thanos.asked == []

"""Malformed, endless and misleading requests to every port of the lab.

Whatever is sent, a port answers with an error of the client's or closes the connection: no 500, 502 or 504, no
traceback, and no file of the machine. What the load gets meanwhile shows that the port still serves others.
"""

from __future__ import annotations

import json
import random
import re
import socket
import ssl
import time
import zlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from urllib.parse import urlsplit

from tests.soak.lab import Lab

SECONDS = 8.0
"""The longest that one request waits for its answer; a port may take longer to give up a client that sends nothing."""
IDLE_CONNECTIONS, IDLE_SECONDS = 600, 3.0
WRONG = (500, 502, 504)
LISTENERS = ("/user1-dev/github", "/user1-dev/alerts", "/user1-production/production")
"""The events port answers 500 for a listener that does not exist, as Tekton Triggers does (pkg/sink/sink.go)."""
HOST = b"Host: 127.0.0.1\r\n"
SECRETS = (b"root:x:0:", b"Traceback (most recent call last)")
_STATUS = re.compile(rb"\AHTTP/1\.[01] (\d{3})")
DEEP = b"[" * 100_000
BODIES: Mapping[str, bytes] = {
    "deep JSON": DEEP,
    "deep JSON that ends": DEEP + b"]" * 100_000,
    "no JSON": b"{",
    "invalid UTF-8": b'{"data": "\xff\xfe\xed\xa0\x80"}',
    "lone surrogate": b'{"data": "\\ud800", "metadata": {"name": "\\ud800"}}',
    "null": b"null",
    "a list": b"[1, 2]",
    "a number of a million digits": b'{"data": {"ndarray": [[' + b"9" * 1_000_000 + b"]]}}",
    "infinity": b'{"data": {"ndarray": [[1e999, -1e999, NaN]]}, "inputs": [{"data": [1e999]}]}',
    "wrong types": b'{"data": 1, "metadata": [], "kind": {}, "apiVersion": null, "inputs": "x", "spec": 5}',
    "a million rows": b'{"data": {"ndarray": [' + b"[]," * 999_999 + b"[]]}}",
    "NUL": b'{"metadata": {"name": "a\\u0000b"}, "name": "a\\u0000b"}',
}
TRAVERSALS = (
    "/../../../../../../etc/passwd",
    "/..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
    "/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "/static/../../../../../../../etc/passwd",
    "/static/..%2f..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
    "/static/%00",
    "/static/..%5c..%5ctoken",
    "//etc/passwd",
    "/mlops-workshop.git/../token",
    "/mlops-workshop.git/..%2f..%2ftoken",
    "/mlops-workshop.git/HEAD",
    "/mlops-workshop.git/objects/../../../token",
    "/logs/user1-dev/..%2f..%2f..%2ftoken/x",
    "/guide/..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
    "/dashboards/..%2f..%2ftoken",
    "/get-artifact?path=../../../../../etc/passwd&run_uuid=..",
    "/api/2.0/mlflow-artifacts/artifacts/../../../../../etc/passwd",
    "/api/2.0/mlflow-artifacts/artifacts/..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
    "/api/v1/namespaces/..%2f..%2fuser1-dev/pods/..%2f..%2f..%2fstore.sqlite/log",
    "/seldon/user1-production/..%2f..%2fuser1-dev/x/api/v1.0/predictions",
)
POSTS = (
    *LISTENERS,
    "/",
    "/api/v1/namespaces/user1-dev/configmaps",
    "/apis/tekton.dev/v1/namespaces/user1-dev/taskruns",
    "/apis/machinelearning.seldon.io/v1/namespaces/user1-dev/seldondeployments",
    "/api/v1.0/predictions",
    "/api/v1.0/feedback",
    "/predict",
    "/v2/models/flight-delay/infer",
    "/seldon/user1-production/flight-delay/api/v1.0/predictions",
    "/seldon/user1-production/flight-delay/api/v1.0/feedback",
    "/seldon/user1-production/flight-delay/v2/models/flight-delay/infer",
    "/api/2.0/mlflow/runs/create",
    "/api/2.0/mlflow/experiments/search",
    "/api/v1/query",
    "/api/v2/alerts",
    "/guide/api/answer",
    "/session/login",
    "/hub/login",
    "/api/v1/repos/user1/mlops-workshop/statuses/" + "0" * 40,
    "/mlops-workshop.git/git-receive-pack",
    "/mlops-workshop.git/git-upload-pack",
)


def heads() -> Iterator[tuple[str, bytes]]:
    """Requests whose head is wrong, by name."""
    chance = random.Random(12)
    yield "nothing", b""
    yield "random bytes", chance.randbytes(4096)
    yield "TLS to a plain port", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + chance.randbytes(500)
    yield "HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(64)
    yield "a line of a mebibyte", b"GET /" + b"a" * 2**20 + b" HTTP/1.1\r\n" + HOST + b"\r\n"
    yield "a header of a mebibyte", b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 2**20 + b"\r\n\r\n"
    yield "50,000 headers", b"GET / HTTP/1.1\r\n" + HOST + b"A: b\r\n" * 50_000 + b"\r\n"
    yield "a header without a colon", b"GET / HTTP/1.1\r\n" + HOST + b"nocolon\r\n\r\n"
    yield "NUL in a header", b"GET / HTTP/1.1\r\n" + HOST + b"X: a\x00b\r\n\r\n"
    yield "NUL in the path", b"GET /a\x00b HTTP/1.1\r\n" + HOST + b"\r\n"
    yield "bytes above 127 in the path", b"GET /\xff\xfe?\xff=\xff HTTP/1.1\r\n" + HOST + b"\r\n"
    yield "wrong escapes", b"GET /%zz%ff%fe%00?x=%zz%ff HTTP/1.1\r\n" + HOST + b"\r\n"
    yield "a folded header", b"GET / HTTP/1.1\r\n" + HOST + b"X: a\r\n b\r\n\r\n"
    yield "no version", b"GET /\r\n\r\n"
    yield "HTTP/9.9", b"GET / HTTP/9.9\r\n" + HOST + b"\r\n"
    yield "no host", b"GET / HTTP/1.1\r\n\r\n"
    yield "another host", b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n"
    yield "a host that is no host", b"GET / HTTP/1.1\r\nHost: [::\r\n\r\n"
    yield "an absolute URL", b"GET http://evil.example/ HTTP/1.1\r\n" + HOST + b"\r\n"
    for method in (b"TRACE", b"CONNECT", b"PROPFIND", b"G\xe9T", b"get", b"X" * 5000):
        yield f"method {method[:9]!r}", method + b" / HTTP/1.1\r\n" + HOST + b"\r\n"
    two = b"Content-Length: 3\r\nContent-Length: 4\r\n"
    yield "two lengths", b"POST / HTTP/1.1\r\n" + HOST + two + b"\r\nabcd"
    both = b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"
    yield "length and chunks", b"POST / HTTP/1.1\r\n" + HOST + both + b"\r\n0\r\n\r\nGET /evil HTTP/1.1\r\n\r\n"
    for length in (b"-1", b"9" * 40, b"0x10", b"abc", b"1e3"):
        yield f"length {length[:9]!r}", b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: " + length + b"\r\n\r\nx"
    chunked = b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
    yield "a chunk that is no number", chunked + b"zz\r\nabc\r\n0\r\n\r\n"
    yield "a chunk of 2**70 bytes", chunked + b"400000000000000000\r\nabc"
    yield "a chunk extension of a mebibyte", chunked + b"1;" + b"x" * 2**20 + b"\r\na\r\n0\r\n\r\n"
    yield "100,000 chunks of a byte", chunked + b"1\r\na\r\n" * 100_000 + b"0\r\n\r\n"
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 99\r\n"
    yield "a wrong WebSocket", b"GET / HTTP/1.1\r\n" + HOST + upgrade + b"\r\n"
    yield "a cookie of 60 kB", b"GET / HTTP/1.1\r\n" + HOST + b"Cookie: a=" + b"x" * 60_000 + b"\r\n\r\n"
    yield "wrong authorization", b"GET / HTTP/1.1\r\n" + HOST + b"Authorization: Basic \xff\xfe\r\n\r\n"
    yield "100 requests at once", (b"GET / HTTP/1.1\r\n" + HOST + b"\r\n") * 100
    wide = b"bytes=" + b",".join(b"%d-" % at for at in range(4000))
    yield "4,000 ranges", b"GET /static/lab.css HTTP/1.1\r\n" + HOST + b"Range: " + wide + b"\r\n\r\n"


def bodies(token: str) -> Iterator[tuple[str, bytes]]:
    """Requests of the owner whose body or path is wrong, by name."""
    for path in TRAVERSALS:
        yield path, _request("GET", path, token)
    for path in POSTS:
        for name, body in BODIES.items():
            yield f"{name} to {path}", _request("POST", path, token, body)
    bomb = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = bomb.compress(bytes(200 * 2**20)) + bomb.flush()
    for path in POSTS:
        yield f"200 MiB of zeros, packed, to {path}", _request("POST", path, token, packed, "Content-Encoding: gzip")


def _request(method: str, path: str, token: str, body: bytes = b"", *more: str) -> bytes:
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {token}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *more,
        "Connection: close",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


@contextmanager
def requests(lab: Lab) -> Iterator[None]:
    """Send everything to every port, and hold many idle connections. Raises AssertionError with the wrong answers."""
    kept: dict[str, int] = json.loads((lab.state.run / "ports.json").read_text())
    parts = ((part.name, urlsplit(part.url or "").port) for part in lab.report.components)
    kept |= {f"{name} {port}": port for name, port in parts if port and port not in kept.values()}
    # A part that this machine lacks has a port and does not listen.
    ports = {name: port for name, port in kept.items() if _listens(port)}
    api = lab.client().config.token or ""
    with ThreadPoolExecutor(4) as pool:
        tried = [pool.submit(_attack, name, port, api if name == "api" else lab.token) for name, port in ports.items()]
        wrong = [line for one in tried for line in one.result()]
    with ExitStack() as held:
        for name, port in ports.items():
            for _ in range(IDLE_CONNECTIONS if name in ("api", "console", "gateway", "git") else 20):
                with suppress(OSError):
                    held.enter_context(socket.create_connection(("127.0.0.1", port), timeout=SECONDS))
        time.sleep(IDLE_SECONDS)
        if why := lab.unhealthy():
            wrong.append(f"with {IDLE_CONNECTIONS} idle connections to each port: {why}")
    yield
    assert not wrong, f"{len(wrong)} wrong answers: " + "; ".join(wrong[:12])


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=SECONDS):
        return True
    return False


def _attack(name: str, port: int, token: str) -> list[str]:
    """The wrong answers of one port."""
    wrong, tls = [], name == "api"
    for what, sent in (*heads(), *bodies(token)):
        try:
            answer = _answer(port, sent, tls=tls)
        except OSError as e:
            answer = b""
            if isinstance(e, ConnectionRefusedError):
                wrong.append(f"{name}: {what}: nothing listens any more")
                break
        status = int(found[1]) if (found := _STATUS.match(answer)) else 0
        leaked = [secret for secret in (*SECRETS, token.encode()) if secret in answer]
        missing_listener = name == "events" and status == 500 and not what.endswith(LISTENERS)
        if (status in WRONG and not missing_listener) or leaked:
            wrong.append(f"{name}: {what}: {answer[:60]!r}{' with ' + repr(leaked[0][:12]) if leaked else ''}")
    return wrong


def _answer(port: int, sent: bytes, *, tls: bool) -> bytes:
    """The first 64 KiB of what a port answers; what it sends until SECONDS have passed."""
    with ExitStack() as stack:
        raw: socket.socket = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=SECONDS))
        if tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            raw = stack.enter_context(context.wrap_socket(raw))
        with suppress(BrokenPipeError, ConnectionResetError, ssl.SSLError):
            raw.sendall(sent)
            if not sent or b"Connection: close" not in sent:
                # So that a port that waits for more sees the end.
                raw.settimeout(1.0)
        answer = b""
        with suppress(OSError):
            while len(answer) < 65536 and (part := raw.recv(65536)):
                answer += part
        return answer

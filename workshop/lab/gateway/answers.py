"""The gateway's own errors, in Seldon's error format, so that a client parses one format."""

from __future__ import annotations

import orjson

from workshop.lab.gateway.upstream import Answer

JSON = (b"content-type", b"application/json")


def error(code: int, reason: str, info: str) -> Answer:
    """An error that the gateway detects."""
    body = orjson.dumps({"status": {"status": 1, "info": info, "code": code, "reason": reason}})
    return Answer(code, [JSON], body)


def not_ready(namespace: str, name: str) -> Answer:
    """No replica can answer now."""
    answer = error(
        503,
        "ServiceUnavailable",
        f"{name} in {namespace} has no ready replica; oc describe sdep {name} -n {namespace} says why",
    )
    answer.headers.append((b"retry-after", b"1"))
    return answer


def unknown(namespace: str, name: str) -> Answer:
    """The deployment does not exist."""
    return error(404, "NotFound", f"no SeldonDeployment {name} in {namespace}; oc get sdep -A lists them")


def cross_site() -> Answer:
    """A browser sends the request for a page of another site."""
    return error(403, "Forbidden", "a page of another site sent this request; allowed: pages of this host")


def no_route(host: str) -> Answer:
    """No Route has this host."""
    return error(503, "ServiceUnavailable", f"no Route has the host {host}; oc get route -A lists them")


def too_late(name: str, seconds: float) -> Answer:
    """The model server did not answer in time."""
    return error(504, "GatewayTimeout", f"{name} did not answer within {seconds:.0f} s")


def too_large(size: int, limit: int) -> Answer:
    """The body is larger than any model server accepts."""
    return error(413, "RequestEntityTooLarge", f"the body has more than {size} bytes; at most {limit} are taken")


def broken(name: str) -> Answer:
    """The connection broke at every try."""
    answer = error(503, "ServiceUnavailable", f"{name} closed the connection before it had answered")
    answer.headers.append((b"retry-after", b"1"))
    return answer

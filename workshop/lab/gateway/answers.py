"""What the gateway says itself, in Seldon's own error shape, so that a client reads one kind of error."""

from __future__ import annotations

import orjson

from workshop.lab.gateway.upstream import Answer

JSON = (b"content-type", b"application/json")


def error(code: int, reason: str, info: str) -> Answer:
    """An error that the gateway has noticed."""
    body = orjson.dumps({"status": {"status": 1, "info": info, "code": code, "reason": reason}})
    return Answer(code, [JSON], body)


def not_ready(namespace: str, name: str) -> Answer:
    """There is nobody to answer now."""
    answer = error(
        503,
        "ServiceUnavailable",
        f"{name} in {namespace} has no ready replica; oc describe sdep {name} -n {namespace} says why",
    )
    answer.headers.append((b"retry-after", b"1"))
    return answer


def unknown(namespace: str, name: str) -> Answer:
    """There is no such deployment."""
    return error(404, "NotFound", f"no SeldonDeployment {name} in {namespace}; oc get sdep -A lists them")


def no_route(host: str) -> Answer:
    """No Route has this host."""
    return error(503, "ServiceUnavailable", f"no Route has the host {host}; oc get route -A lists them")


def too_late(name: str, seconds: float) -> Answer:
    """The model server took too long."""
    return error(504, "GatewayTimeout", f"{name} did not answer within {seconds:.0f} s")


def too_large(size: int, limit: int) -> Answer:
    """The body is larger than anything that a model server takes."""
    return error(413, "RequestEntityTooLarge", f"the body has more than {size} bytes; at most {limit} are taken")


def broken(name: str) -> Answer:
    """Every try ended with the connection."""
    answer = error(503, "ServiceUnavailable", f"{name} closed the connection before it had answered")
    answer.headers.append((b"retry-after", b"1"))
    return answer

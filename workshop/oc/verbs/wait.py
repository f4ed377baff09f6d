"""wait: until a condition holds, a field has a value, an object is there, or it is gone."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from workshop.cluster.client import ApiFailure
from workshop.manifests import jsonpath
from workshop.oc.asking import FILES, SELECTOR, Named, chosen, named
from workshop.oc.failures import Failed, Quiet
from workshop.oc.flags import BadUsage, Flag
from workshop.oc.session import Session

FLAGS = {"wait": (*FILES, *SELECTOR, Flag("for"), Flag("timeout"), Flag("all-namespaces", "A", "yes"))}
Object = dict[str, Any]
POLL = 0.2
"""Seconds between two looks: simpler than a watch, and the server is on this machine or answers in milliseconds."""


def wait(session: Session) -> int:
    """0 when it holds for every object; 1 with kubectl's words when the time is over."""
    goal = session.words.text("for")
    if not goal:
        raise BadUsage("--for is required: condition=NAME[=VALUE], jsonpath='{PATH}'[=VALUE], delete or create")
    test = _test(goal)
    ends = time.monotonic() + seconds(session.words.text("timeout", "30s"))
    objects = _objects(session, goal, ends)
    if not objects and goal != "delete":
        raise Failed("no matching resources found")
    late: list[str] = []
    for one in objects:
        if goal == "delete" and not _there(session, one):
            continue
        if _until(session, one, goal, test, ends):
            session.say(f"{one.shown} condition met")
        else:
            late.append(f"timed out waiting for the condition on {one.resource.plural}/{one.name}")
    for text in late:
        session.warn(text if len(late) > 1 else f"error: {text}")
    if late:
        raise Quiet
    return 0


def _there(session: Session, one: Named) -> bool:
    return session.client.find(one.resource.full_name, one.namespace, one.name) is not None


def _objects(session: Session, goal: str, ends: float) -> list[Named]:
    if goal in ("create", "delete"):
        found = named(session, session.words.args)
        if all(one.name for one in found):
            return found
    if goal != "create":
        found = chosen(session, session.words.args, verb="wait")
        if goal == "delete":
            return found
        for one in found:
            session.client.http.request("GET", one.path)
        return found
    while True:
        found = chosen(session, session.words.args, verb="wait")
        if found:
            return found
        if time.monotonic() > ends:
            raise Failed("timed out waiting for the condition")
        time.sleep(POLL)


def _until(session: Session, one: Named, goal: str, test: Callable[[Object | None], bool], ends: float) -> bool:
    while True:
        try:
            obj: Object | None = session.client.http.request("GET", one.path)
        except ApiFailure as e:
            if e.code != 404:
                raise
            obj = None
        if obj is None and goal not in ("create", "delete"):
            raise ApiFailure(404, "NotFound", f'{one.resource.full_name} "{one.name}" not found', {"name": one.name})
        if test(obj):
            return True
        if time.monotonic() >= ends:
            return False
        time.sleep(min(POLL, max(0.0, ends - time.monotonic())))


def _test(goal: str) -> Callable[[Object | None], bool]:
    if goal == "delete":
        return lambda obj: obj is None
    if goal == "create":
        return lambda obj: obj is not None
    if goal.startswith("condition="):
        name, _, value = goal.removeprefix("condition=").partition("=")
        return lambda obj: _condition(obj or {}, name, value or "true")
    match = re.fullmatch(r"jsonpath=(['\"]?)(\{.*?\}|[^=]+?)\1(?:=(.*))?", goal, re.DOTALL)
    if match:
        return _jsonpath(_balanced(goal.removeprefix("jsonpath=")))
    raise BadUsage(
        f"unrecognized condition: {goal!r}: allowed are condition=NAME[=VALUE], "
        "jsonpath='{PATH}'[=VALUE], delete and create"
    )


def _balanced(text: str) -> tuple[str, str | None]:
    """The path and the value of `{PATH}=VALUE`; equals signs inside the braces belong to the path."""
    text = text.strip("'\"") if text[:1] in "'\"" and text[-1:] == text[:1] else text
    end = text.rfind("}=")
    if text.startswith("{") and end > 0:
        return text[: end + 1], text[end + 2 :].strip("'\"")
    if text.startswith("{"):
        return text, None
    path, equals, value = text.partition("=")
    return path, value.strip("'\"") if equals else None


def _jsonpath(wanted: tuple[str, str | None]) -> Callable[[Object | None], bool]:
    path, value = wanted
    try:
        find = jsonpath.compile_path(path)
    except jsonpath.PathError as e:
        raise BadUsage(f"--for jsonpath: {e}") from e

    def holds(obj: Object | None) -> bool:
        found = find(obj or {})
        if value is None:
            return bool(found) and found[0] not in (None, "")
        return len(found) == 1 and jsonpath.text(found[0]).lower() == value.lower()

    return holds


def _condition(obj: Object, name: str, value: str) -> bool:
    status = obj.get("status") or {}
    for one in status.get("conditions") or []:
        if str(one.get("type", "")).lower() == name.lower():
            seen = one.get("observedGeneration") or status.get("observedGeneration")
            if seen is not None and seen < obj["metadata"].get("generation", 0):
                return False
            return str(one.get("status", "")).lower() == value.lower()
    return False


def seconds(text: str) -> float:
    """A Go duration in seconds: `90s`, `1m30s`, `500ms`; a bare 0 means once, a negative one a week."""
    if text.startswith("-"):
        return 7 * 86400.0
    if re.fullmatch(r"\d+", text):
        return float(text)
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|h|m|s)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise BadUsage(f'invalid argument "{text}" for "--timeout" flag: time: invalid duration "{text}"')
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
    return sum(float(number) * units[unit] for number, unit in parts)

"""logs: what containers have printed, of one Pod or of those that a selector or a workload names."""

from __future__ import annotations

import threading
from typing import Any

from workshop.cluster.client import ApiFailure
from workshop.oc.asking import resource
from workshop.oc.failures import Failed, Quiet, told
from workshop.oc.flags import BadUsage, Flag
from workshop.oc.session import Session
from workshop.oc.verbs.wait import seconds

FLAGS = {
    "logs": (
        Flag("follow", "f", "yes"),
        Flag("selector", "l"),
        Flag("container", "c"),
        Flag("all-containers", "", "yes"),
        Flag("tail"),
        Flag("since"),
        Flag("since-time"),
        Flag("timestamps", "", "yes"),
        Flag("prefix", "", "yes"),
        Flag("limit-bytes"),
        Flag("previous", "p", "yes"),
        Flag("ignore-errors", "", "yes"),
        Flag("max-log-requests"),
    )
}
DEFAULT = "kubectl.kubernetes.io/default-container"
Object = dict[str, Any]


def logs(session: Session) -> int:
    """Print the logs; with -f until every container has ended."""
    sources = [(pod, name) for pod in _pods(session) for name in _containers(session, pod)]
    follow = session.words.yes("follow")
    if follow and len(sources) > 1:
        return _together(session, sources)
    failed = False
    for pod, name in sources:
        try:
            _copy(session, pod, name, follow=follow)
        except ApiFailure as e:
            session.warn(told(e))
            failed = not session.words.yes("ignore-errors")
    if failed:
        raise Quiet
    return 0


def _pods(session: Session) -> list[Object]:
    words, client = session.words, session.client
    if words.text("selector"):
        if words.args:
            raise BadUsage("only a selector (-l) or a POD name is allowed")
        found = client.list("pods", session.namespace, labels=words.text("selector"))
        if not found:
            session.warn(f"No resources found in {session.namespace} namespace.")
        return found
    if not words.args or len(words.args) > 2:
        raise BadUsage(
            "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required "
            "argument for the logs command"
        )
    kind, slash, name = words.args[0].partition("/")
    if len(words.args) == 2:
        words.values.setdefault("container", []).append(words.args[1])
    if not slash or resource(session, kind).full_name == "pods":
        name = name if slash else kind
        try:
            return [client.get("pods", session.namespace, name)]
        except ApiFailure as e:
            if e.code != 404:
                raise
            raise Failed(
                f'error from server (NotFound): pods "{name}" not found in namespace "{session.namespace}"'
            ) from e
    owner = client.get(kind, session.namespace, name)
    selector = ((owner.get("spec") or {}).get("selector") or {}).get("matchLabels")
    if not selector:
        raise Failed(f"cannot get the logs from {owner.get('kind')}: it has no selector of Pods; name a Pod, or -l")
    found = client.list("pods", session.namespace, labels=selector)
    if not found:
        raise Failed(f"no pods found for {kind}/{name}")
    newest = sorted(found, key=lambda pod: pod["metadata"].get("creationTimestamp", ""))
    if len(newest) > 1:
        session.warn(f"Found {len(newest)} pods, using pod/{newest[0]['metadata']['name']}")
    return newest[:1]


def _containers(session: Session, pod: Object) -> list[str]:
    spec = pod.get("spec") or {}
    inits = [one["name"] for one in spec.get("initContainers") or []]
    names = [one["name"] for one in spec.get("containers") or []]
    wanted = session.words.text("container")
    if session.words.yes("all-containers"):
        return inits + names
    if wanted:
        if wanted not in inits + names:
            raise Failed(
                f"container {wanted} is not valid for pod {pod['metadata']['name']}: there are "
                f"{', '.join(names + inits)}"
            )
        return [wanted]
    chosen = (pod["metadata"].get("annotations") or {}).get(DEFAULT)
    if chosen in names:
        return [str(chosen)]
    if len(names) + len(inits) > 1:
        every = ", ".join(names + [f"{name} (init)" for name in inits])
        session.warn(f'Defaulted container "{names[0]}" out of: {every}')
    return names[:1]


def _query(session: Session, container: str) -> dict[str, str]:
    words = session.words
    query = {"container": container}
    tail = words.text("tail", "10" if words.text("selector") else "-1")
    if not tail.lstrip("-").isdigit():
        raise BadUsage(f'invalid argument "{tail}" for "--tail" flag: must be a number')
    if int(tail) >= 0:
        query["tailLines"] = tail
    if words.text("since"):
        query["sinceSeconds"] = str(max(1, round(seconds(words.text("since")))))
    for flag, name in (("since-time", "sinceTime"), ("limit-bytes", "limitBytes")):
        if words.text(flag):
            query[name] = words.text(flag)
    for flag in ("timestamps", "previous", "follow"):
        if words.yes(flag):
            query[flag] = "true"
    return query


def _copy(session: Session, pod: Object, container: str, *, follow: bool, lock: threading.Lock | None = None) -> None:
    meta = pod["metadata"]
    path = session.client.resource("pods").path(meta["namespace"], meta["name"], "log")
    prefix = f"[pod/{meta['name']}/{container}] " if session.words.yes("prefix") else ""
    query = _query(session, container)
    if not follow and not prefix:
        _write(session, session.client.http.raw("GET", path, query=query))
        return
    for line in session.client.http.lines(path, query=query, accept="*/*"):
        with lock or threading.Lock():
            _write(session, prefix.encode() + line + b"\n")


def _write(session: Session, raw: bytes) -> None:
    session.out.write(raw.decode("utf-8", "replace"))
    session.out.flush()


def _together(session: Session, sources: list[tuple[Object, str]]) -> int:
    """Follow several containers at once, line by line."""
    limit = int(session.words.text("max-log-requests", "5"))
    if len(sources) > limit:
        raise Failed(
            f"you are attempting to follow {len(sources)} log streams, but maximum allowed concurrency is "
            f"{limit}, use --max-log-requests to increase the limit"
        )
    lock = threading.Lock()
    errors: list[ApiFailure] = []

    def follow(pod: Object, name: str) -> None:
        try:
            _copy(session, pod, name, follow=True, lock=lock)
        except ApiFailure as e:
            errors.append(e)

    threads = [threading.Thread(target=follow, args=source, daemon=True) for source in sources]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for error in errors:
        session.warn(told(error))
    if errors and not session.words.yes("ignore-errors"):
        raise Quiet
    return 0

"""Watches: replay, selectors, bookmarks, watch-lists, expiry, and readers that never read."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
import urllib3

from tests.workshop.lab.serving import Lab


def path(namespace: str, query: str = "") -> str:
    return f"/api/v1/namespaces/{namespace}/configmaps{query}"


def make(lab: Lab, namespace: str, name: str, **labels: str) -> dict[str, Any]:
    code, made = lab.ask("POST", path(namespace), {"metadata": {"name": name, "labels": labels}})
    assert code == 201
    return made  # type: ignore[no-any-return]


def events(lab: Lab, where: str, accept: str = "application/json") -> Iterator[dict[str, Any]]:
    answer = lab.http.request(
        "GET",
        lab.server.url + where,
        headers={**lab.http.headers, "Accept": accept},
        preload_content=False,
        timeout=urllib3.Timeout(10),
    )
    rest = b""
    for chunk in answer.stream(65536):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from map(orjson.loads, lines)


def types_and_names(found: Iterator[dict[str, Any]], count: int) -> list[tuple[str, str]]:
    return [(e["type"], e["object"]["metadata"]["name"]) for _, e in zip(range(count), found, strict=False)]


@pytest.mark.parametrize("said", ["True", "1", ""])
def test_any_value_but_false_starts_a_watch(lab: Lab, namespace: str, said: str) -> None:
    make(lab, namespace, "a")
    assert types_and_names(events(lab, path(namespace, f"?watch={said}&timeoutSeconds=5")), 1) == [("ADDED", "a")]


@pytest.mark.parametrize("said", ["False", "0"])
def test_false_values_return_the_list(lab: Lab, namespace: str, said: str) -> None:
    assert lab.ask("GET", path(namespace, f"?watch={said}"))[1]["kind"] == "ConfigMapList"


def test_watch_begins_with_what_is_there(lab: Lab, namespace: str) -> None:
    make(lab, namespace, "a")
    found = events(lab, path(namespace, "?watch=true&timeoutSeconds=5"))
    assert types_and_names(found, 1) == [("ADDED", "a")]


def test_watch_replays_what_happened_since(lab: Lab, namespace: str) -> None:
    version = make(lab, namespace, "a")["metadata"]["resourceVersion"]
    make(lab, namespace, "b")
    lab.ask("PATCH", path(namespace, "/b"), {"data": {"x": "y"}}, media="application/merge-patch+json")
    lab.ask("DELETE", path(namespace, "/a"))
    found = events(lab, path(namespace, f"?watch=true&resourceVersion={version}&timeoutSeconds=5"))
    assert types_and_names(found, 3) == [("ADDED", "b"), ("MODIFIED", "b"), ("DELETED", "a")]


def test_an_object_that_leaves_the_selection_is_sent_as_deleted(lab: Lab, namespace: str) -> None:
    version = make(lab, namespace, "a", app="x")["metadata"]["resourceVersion"]
    for value in ("y", "x"):
        lab.ask(
            "PATCH",
            path(namespace, "/a"),
            {"metadata": {"labels": {"app": value}}},
            media="application/merge-patch+json",
        )
    query = f"?watch=true&labelSelector=app%3Dx&resourceVersion={version}&timeoutSeconds=5"
    assert types_and_names(events(lab, path(namespace, query)), 2) == [("DELETED", "a"), ("ADDED", "a")]


def test_watch_list_ends_its_beginning_with_a_bookmark(lab: Lab, namespace: str) -> None:
    make(lab, namespace, "a")
    query = "?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    found = events(lab, path(namespace, query + "&timeoutSeconds=5"))
    first, second = next(found), next(found)
    assert (first["type"], first["object"]["metadata"]["name"]) == ("ADDED", "a")
    assert second["type"] == "BOOKMARK"
    assert second["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


def test_watch_in_table_form_defines_its_columns_once(lab: Lab, namespace: str) -> None:
    make(lab, namespace, "a")
    make(lab, namespace, "b")
    found = events(lab, path(namespace, "?watch=true&timeoutSeconds=5"), "application/json;as=Table;v=v1;g=meta.k8s.io")
    first, second = next(found)["object"], next(found)["object"]
    assert [c["name"] for c in first["columnDefinitions"]] == ["Name", "Data", "Age"]
    assert second["columnDefinitions"] is None and second["rows"][0]["cells"][:2] == ["b", 0]


def test_watch_ends_after_its_timeout(lab: Lab, namespace: str) -> None:
    started = time.monotonic()
    assert list(events(lab, path(namespace, "?watch=true&timeoutSeconds=1"))) == []
    assert time.monotonic() - started >= 1


def test_watch_from_before_the_history_is_expired(lab: Lab, namespace: str) -> None:
    lab.call(setattr, lab.store, "_history_floor", 5)
    try:
        code, answer = lab.ask("GET", path(namespace, "?watch=true&resourceVersion=3"))
    finally:
        lab.call(setattr, lab.store, "_history_floor", 1)
    assert (code, answer["reason"]) == (410, "Expired")


def test_a_hundred_watchers_hear_of_a_change(lab: Lab, namespace: str) -> None:
    heard: list[str] = []
    ready = threading.Barrier(101, timeout=30)

    def listen() -> None:
        pool = urllib3.PoolManager(ca_certs=str(lab.state.tls / "ca.crt"), headers=lab.http.headers)
        answer = pool.request(
            "GET", lab.server.url + path(namespace, "?watch=true&timeoutSeconds=20"), preload_content=False
        )
        ready.wait()
        line = next(iter(answer.stream(65536)))
        heard.append(orjson.loads(line)["object"]["metadata"]["name"])
        answer.close()

    threads = [threading.Thread(target=listen) for _ in range(100)]
    for thread in threads:
        thread.start()
    ready.wait()
    make(lab, namespace, "news")
    for thread in threads:
        thread.join(20)
    assert heard == ["news"] * 100


def test_a_watcher_that_never_reads_does_not_block_others(lab: Lab, namespace: str) -> None:
    context = ssl.create_default_context(cafile=str(lab.state.tls / "ca.crt"))
    idle = context.wrap_socket(socket.create_connection(("127.0.0.1", lab.server.port)), server_hostname="127.0.0.1")
    idle.sendall(
        f"GET {path(namespace, '?watch=true')} HTTP/1.1\r\nHost: lab\r\n"
        f"Authorization: Bearer {lab.token}\r\n\r\n".encode()
    )
    half_open = socket.create_connection(("127.0.0.1", lab.server.port))
    try:
        make(lab, namespace, "big")
        for number in range(40):
            change = {"data": {"x": str(number) * 200_000}}
            assert lab.ask("PATCH", path(namespace, "/big"), change, media="application/merge-patch+json")[0] == 200
        assert types_and_names(events(lab, path(namespace, "?watch=true&timeoutSeconds=5")), 1) == [("ADDED", "big")]
    finally:
        idle.close()
        half_open.close()

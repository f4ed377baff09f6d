"""Pod logs, at once and followed."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from tests.workshop.lab.serving import Lab
from workshop.lab.kinds import built_in


def pod(lab: Lab, namespace: str, state: dict[str, Any], *names: str) -> Path:
    body = {
        "metadata": {"name": "p", "namespace": namespace},
        "spec": {"containers": [{"name": n} for n in names]},
        "status": {"phase": "Running", "containerStatuses": [{"name": n, "state": state} for n in names]},
    }
    lab.call(lab.store.create, built_in("Pod"), body)
    file = lab.state.container_log(namespace, "p", names[0])
    file.parent.mkdir(parents=True)
    return file


def logs(lab: Lab, namespace: str, query: str = "") -> tuple[int, Any]:
    return lab.ask("GET", f"/api/v1/namespaces/{namespace}/pods/p/log{query}")


def test_tail_gives_the_last_lines(lab: Lab, namespace: str) -> None:
    pod(lab, namespace, {"running": {}}, "a").write_text("one\ntwo\nthree\n")
    assert logs(lab, namespace) == (200, "one\ntwo\nthree\n")
    assert logs(lab, namespace, "?tailLines=2") == (200, "two\nthree\n")
    assert logs(lab, namespace, "?tailLines=0") == (200, "")
    assert logs(lab, namespace, "?tailLines=9&limitBytes=3") == (200, "one")


def test_container_must_be_named_when_there_are_two(lab: Lab, namespace: str) -> None:
    pod(lab, namespace, {"running": {}}, "a", "b").write_text("x")
    code, answer = logs(lab, namespace)
    assert code == 400
    assert answer["message"] == "a container name must be specified for pod p, choose one of: [a b]"
    assert logs(lab, namespace, "?container=a") == (200, "x")
    assert logs(lab, namespace, "?container=z")[1]["message"] == "container z is not valid for pod p"


def test_container_that_waits_has_no_log_yet(lab: Lab, namespace: str) -> None:
    pod(lab, namespace, {"waiting": {"reason": "ContainerCreating"}}, "a")
    code, answer = logs(lab, namespace)
    assert (code, answer["message"]) == (400, 'container "a" in pod "p" is waiting to start: ContainerCreating')


def test_follow_ends_when_the_container_has_ended(lab: Lab, namespace: str) -> None:
    file = pod(lab, namespace, {"running": {}}, "a")
    file.write_text("first\n")
    answer = lab.http.request(
        "GET",
        f"{lab.server.url}/api/v1/namespaces/{namespace}/pods/p/log?follow=true",
        preload_content=False,
        timeout=10,
    )
    stream = answer.stream(65536)
    assert next(stream) == b"first\n"
    with file.open("a") as more:
        more.write("second\n")
    assert next(stream) == b"second\n"
    with file.open("a") as more:
        more.write("last\n")
    kind = built_in("Pod")
    obj = lab.call(lab.store.get, kind, namespace, "p")
    obj["status"]["containerStatuses"][0]["state"] = {"terminated": {"exitCode": 0}}
    lab.call(lab.store.update_status, kind, obj)
    assert b"".join(stream) == b"last\n"


def test_many_followers_read_the_same_log(lab: Lab, namespace: str) -> None:
    pod(lab, namespace, {"terminated": {"exitCode": 0}}, "a").write_text("x\n" * 10_000)
    sizes: list[int] = []
    threads = [
        threading.Thread(target=lambda: sizes.append(len(logs(lab, namespace, "?follow=true")[1]))) for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sizes == [20_000] * 5

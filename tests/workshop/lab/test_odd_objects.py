"""No object that the API accepts, and none of an older store, makes a page or a controller raise."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.workshop.lab.pages.fixtures import TOKEN, browser
from tests.workshop.lab.serving import Lab
from workshop.lab.build import build_lab
from workshop.lab.controllers.approval.reconcile import Approvals
from workshop.lab.controllers.monitoring.reconcile import Monitoring, scraped_pods
from workshop.lab.controllers.routes.router import RouteController
from workshop.lab.controllers.seldon.reconcile import SeldonReconciler
from workshop.lab.controllers.seldon.replicas import Replicas
from workshop.lab.controllers.tekton.attempts import Attempts
from workshop.lab.controllers.tekton.claims import Claims
from workshop.lab.controllers.tekton.pipelinerun import PipelineRuns
from workshop.lab.controllers.tekton.taskrun import TaskRuns
from workshop.lab.controllers.triggers.listeners import Listeners
from workshop.lab.controllers.triggers.logbook import Logbook
from workshop.lab.entrypoint.steps import StepRunner
from workshop.lab.kinds import built_in
from workshop.lab.monitoring.files import PrometheusFiles
from workshop.lab.paths import LabPaths
from workshop.lab.routes import Routes
from workshop.lab.runtimes.process.images import ImageTable, NoImages
from workshop.lab.runtimes.process.launcher import Launcher
from workshop.lab.runtimes.process.runtime import ProcessRuntime
from workshop.lab.store import Store
from workshop.manifests.schemas import Schema, child, is_open, items, resolve, schema_of

NAMESPACE = "user1-dev"
STEPS = {"steps": [{"name": "s", "image": "bash", "script": "true"}]}
SPECS: dict[str, Any] = {
    "ApprovalTask": {"approvers": [{"name": "user1", "input": "pending"}], "numberOfApprovalsRequired": 1},
    "CustomRun": {"customRef": {"apiVersion": "openshift-pipelines.org/v1alpha1", "kind": "ApprovalTask"}},
    "EventListener": {"triggers": [{"triggerRef": "nothing"}]},
    "PersistentVolumeClaim": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    "PipelineRun": {"pipelineSpec": {"tasks": [{"name": "t", "taskSpec": STEPS}]}},
    "Pod": {"containers": [{"name": "c", "image": "bash"}]},
    "Route": {"to": {"kind": "Service", "name": "s"}},
    "SeldonDeployment": {
        "predictors": [
            {
                "name": "main",
                "graph": {"name": "m", "type": "MODEL"},
                "componentSpecs": [{"spec": {"containers": [{"name": "m", "image": "there-is-no:image"}]}}],
            }
        ]
    },
    "Service": {"ports": [{"port": 80}], "selector": {"a": "b"}},
    "TaskRun": {"taskSpec": STEPS},
}
"""A spec of each kind whose status a client may write, and that a page or a controller reads."""
TIMES = ("2026-01-05T10:00:00Z", "2026-01-05T10:00:00.5+01:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z")
_SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.text(max_size=5))
ANYTHING = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
)


def fitting(schema: Schema | None, depth: int = 5) -> st.SearchStrategy[Any]:
    """Values that fit a schema: sparse, with nulls, empty texts and unknown fields where they are allowed."""
    known = resolve(schema)
    if known.get("x-kubernetes-int-or-string"):
        return st.integers(-5, 5) | st.text(max_size=3)
    if "enum" in known:
        return st.sampled_from(known["enum"])
    match known.get("type"):
        case "string":
            return st.sampled_from(TIMES) if "pattern" in known else st.sampled_from(WORDS)
        case "integer":
            return st.sampled_from([0, 1, -1, 2**53])
        case "number":
            return st.sampled_from([0, 0.5, -1])
        case "boolean":
            return st.booleans()
        case "array":
            inner = items(known)
            return st.just([]) if depth == 0 else st.lists(fitting(inner, depth - 1), max_size=2)
        case "object" if depth and (known.get("properties") or isinstance(known.get("additionalProperties"), dict)):
            return _fitting_object(known, depth - 1)
        case "object":
            return st.dictionaries(st.text(max_size=3), ANYTHING, max_size=2) if is_open(known) else st.just({})
    return ANYTHING


WORDS = ("", "Succeeded", "True", "False", "Unknown", "TaskRun", "t", "s", "step-s", "ü\n<b>", "a" * 300)


def _fitting_object(known: Schema, depth: int) -> st.SearchStrategy[Any]:
    required = known.get("required", [])
    fields = {name: fitting(child(known, name), depth) for name in known.get("properties", {})}
    nullable = {name: field if name in required else field | st.none() for name, field in fields.items()}
    made = st.fixed_dictionaries(
        {name: nullable[name] for name in required},
        optional={name: field for name, field in nullable.items() if name not in required},
    )
    nothing: st.SearchStrategy[dict[str, Any]] = st.just({})
    unknown = nothing | st.dictionaries(st.sampled_from(["unheardOf", ""]), ANYTHING, max_size=1)
    if isinstance(known.get("additionalProperties"), dict):
        return st.dictionaries(st.sampled_from(["a", "b"]), fitting(known["additionalProperties"], depth), max_size=2)
    return st.builds(lambda one, other: {**other, **one}, made, unknown)


def statuses() -> st.SearchStrategy[dict[str, Any]]:
    """A status for each kind: mostly one that fits, sometimes anything at all."""
    by_kind = {}
    for kind in SPECS:
        known = built_in(kind)
        schema = child(schema_of(known.api_version, kind), "status")
        by_kind[kind] = fitting(schema) | ANYTHING
    return st.fixed_dictionaries(by_kind)


class Controllers:
    """One pass of every controller over a store; an exception is the test's."""

    def __init__(self, store: Store, state: LabPaths, launcher: Launcher) -> None:
        runtime = ProcessRuntime(state, launcher, ImageTable(NoImages(), Path(sys.executable).parent))
        routes = Routes()
        self.attempts = Attempts(store, StepRunner(store, state, runtime, {}))
        self.seldon = SeldonReconciler(store, Replicas(store, state, runtime), routes, lambda: None)
        monitoring = Monitoring(
            store,
            PrometheusFiles(state.component("prometheus")),
            lambda: scraped_pods(store, [], 1),
        )
        self.passes: dict[str, Callable[[str, str], Awaitable[Any]]] = {
            "ApprovalTask": Approvals(store).reconcile,
            "CustomRun": Approvals(store).reconcile,
            "EventListener": Listeners(store, "http://127.0.0.1:1", Logbook(state)).reconcile,
            "PersistentVolumeClaim": Claims(store, state).reconcile,
            "PipelineRun": PipelineRuns(store).reconcile,
            "Pod": lambda *_: asyncio.sleep(0),
            "Route": RouteController(store, routes, 1).reconcile,
            "SeldonDeployment": self.seldon.reconcile,
            "Service": lambda *_: monitoring.write(),
            "TaskRun": TaskRuns(store, state, self.attempts).reconcile,
        }

    async def close(self) -> None:
        await self.attempts.close()
        await self.seldon.stop()


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    running = Lab(tmp_path_factory.mktemp("lab"))
    yield running
    running.stop()


def path(kind: str, name: str = "") -> str:
    known = built_in(kind)
    group = f"/apis/{known.group}" if known.group else "/api"
    return f"{group}/{known.version}/namespaces/{NAMESPACE}/{known.plural}" + (f"/{name}" if name else "")


def render(store: Store, folder: Path) -> None:
    """Ask for every page; one that raises makes the client raise."""
    pages = browser(build_lab(LabPaths(folder), store, TOKEN, {"gateway": 1}, {}))
    found = ["/", "/?part=live", "/runs", "/runs?state=failed", "/dashboards/alerts"]
    for kind, page in (("PipelineRun", "runs"), ("TaskRun", "tasks")):
        for record in store.records(built_in(kind)):
            found += [f"/{page}/{record.namespace}/{record.name}{query}" for query in ("", "?task=t", "?step=s")]
    for url in found:
        assert pages.get(url, follow_redirects=False).status_code < 400, url


async def _one_pass(store: Store, state: LabPaths, names: list[tuple[str, str]]) -> None:
    launcher = Launcher(state.run)
    await launcher.open()
    controllers = Controllers(store, state, launcher)
    try:
        for kind, name in names:
            await controllers.passes[kind](NAMESPACE, name)
    finally:
        await controllers.close()
        await launcher.close()


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # shrinking would take minutes: each example starts a launcher
    suppress_health_check=list(HealthCheck),
)
@given(statuses())
def test_a_status_that_the_api_accepts_breaks_no_page_and_no_controller(
    lab: Lab, tmp_path_factory: pytest.TempPathFactory, chosen: dict[str, Any]
) -> None:
    accepted = []
    for kind, status in chosen.items():
        lab.ask("DELETE", path(kind, "x"))
        code, made = lab.ask("POST", path(kind), {"metadata": {"name": "x"}, "spec": SPECS[kind]})
        assert code == 201, made
        code, answer = lab.ask("PUT", path(kind, "x") + "/status", {**made, "status": status})
        assert code in (200, 400, 422), (status, answer)
        accepted.append((kind, "x"))
    folder = tmp_path_factory.mktemp("pages")
    render(lab.store, folder)
    lab.run(_one_pass(lab.store, lab.state, accepted))
    render(lab.store, folder)


@pytest.mark.parametrize("kind", SPECS)
@pytest.mark.parametrize("verb", ["PUT", "PATCH"])
def test_a_status_of_another_type_is_refused(lab: Lab, kind: str, verb: str) -> None:
    lab.ask("DELETE", path(kind, "x"))
    made = lab.ask("POST", path(kind), {"metadata": {"name": "x"}, "spec": SPECS[kind]})[1]
    wrong: Any = {"conditions": "nonsense"}
    if kind in ("ApprovalTask", "Route"):
        wrong = {"approvers": "nonsense"} if kind == "ApprovalTask" else {"ingress": "nonsense"}
    body = {**made, "status": wrong} if verb == "PUT" else {"status": wrong}
    media = "application/json" if verb == "PUT" else "application/merge-patch+json"
    code, answer = lab.ask(verb, path(kind, "x") + "/status", body, media=media)
    (field,) = wrong
    assert (code, answer["message"]) == (
        400,
        f'{kind} in version "{built_in(kind).version}" cannot be handled as a {kind}: json: cannot unmarshal string '
        f"into Go struct field .status.{field} of type array",
    )


def test_an_unknown_field_of_a_status_is_a_warning_or_an_error_as_of_a_spec(lab: Lab) -> None:
    lab.ask("DELETE", path("Pod", "x"))
    made = lab.ask("POST", path("Pod"), {"metadata": {"name": "x"}, "spec": SPECS["Pod"]})[1]
    body = {**made, "status": {"fase": "Running"}}
    assert lab.ask("PUT", path("Pod", "x") + "/status?fieldValidation=Ignore", body)[0] == 200
    code, answer = lab.ask("PUT", path("Pod", "x") + "/status?fieldValidation=Strict", body)
    assert (code, answer["message"]) == (
        400,
        'Pod in version "v1" cannot be handled as a Pod: strict decoding error: unknown field "status.fase"',
    )


OLDER: dict[str, Any] = {
    "conditions": {"status": {"conditions": "nonsense"}},
    "one condition": {"status": {"conditions": ["Succeeded"]}},
    "a condition without a type": {"status": {"conditions": [{}]}},
    "time": {"status": {"startTime": "yesterday", "conditions": []}},
    "steps": {"status": {"steps": {"a": 1}}},
    "unknown fields": {"status": {"unheardOf": 1, "steps": [{"unheardOf": 1}]}},
    "spec": {"spec": "nonsense"},
    "predictors": {"spec": {"predictors": {}}},
    "labels": {"metadata": {"labels": [1]}},
}


def test_an_object_of_an_older_store_that_does_not_fit_is_kept_and_not_served(tmp_path: Path) -> None:
    file, state = tmp_path / "store", LabPaths(tmp_path / "state")
    state.make()
    store = Store(file)
    for kind in SPECS:
        meta = {"name": "fits", "namespace": NAMESPACE}
        store.create(built_in(kind), {"metadata": meta, "spec": SPECS[kind]})
    store.close()
    with contextlib.closing(sqlite3.connect(file)) as db:
        rows = db.execute("SELECT * FROM objects").fetchall()
        for number, odd in enumerate(OLDER.values()):
            for *columns, body in rows:
                old = json.loads(body)
                new = {**old, **odd, "metadata": {**old["metadata"], "name": f"odd{number}", **odd.get("metadata", {})}}
                db.execute(
                    "INSERT INTO objects VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (*columns[:4], f"odd{number}", f"uid{number}{columns[1]}", columns[6], json.dumps(new)),
                )
        db.commit()
    again = Store(file)
    again.load()
    names = [(kind, record.name) for kind in SPECS for record in again.records(built_in(kind))]
    assert {(kind, "fits") for kind in SPECS} <= set(names)
    assert not {(kind, "odd0") for kind in ("PipelineRun", "TaskRun", "Pod", "CustomRun")} & set(names)
    with contextlib.closing(sqlite3.connect(file)) as db:
        (kept,) = db.execute("SELECT count(*) FROM objects").fetchone()
    assert kept == (len(OLDER) + 1) * len(SPECS)
    render(again, tmp_path)
    asyncio.run(_one_pass(again, state, names))

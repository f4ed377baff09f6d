"""The console's content, read from the lab: the model's path, its deployments, the latest runs, the components.

Pure functions of the lab; no state of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import psutil

from workshop.lab.endpoints import endpoints
from workshop.lab.kinds import built_in
from workshop.lab.lab import Lab
from workshop.lab.pages.runs.listing import Row, Rows
from workshop.lab.parts import Part
from workshop.lab.routes import client_path
from workshop.languages.catalog import N_
from workshop.manifests.objects import Object, namespace_and_name, status_of

RUNS_SHOWN = 8
FOLDERS = ("notebooks", "model", "s2i", "tekton", "seldon", "grafana")
"""The path from a notebook to the dashboards: a folder of the kit each."""
REQUEST = "seldon/requests/flight.json"
_MARKS = {
    N_("ready"): "ok",
    N_("starting"): "run",
    N_("failed"): "bad",
    N_("stopped"): "idle",
    N_("missing"): "warn",
    N_("off"): "idle",
}
_STATES = {N_("Available"): "ok", N_("Creating"): "run", N_("Failed"): "bad"}


@dataclass(frozen=True)
class Station:
    """One station: the folder's name, its state (`ok`, `run`, `bad`, `idle`), one fact with its values."""

    name: str
    mark: str
    fact: str
    url: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Predictor:
    """One predictor of a deployment; `digest` is the first 12 hexadecimal digits of its image's digest."""

    name: str
    image: str
    digest: str
    traffic: int
    shadow: bool


@dataclass(frozen=True)
class Deployment:
    """One SeldonDeployment."""

    name: str
    state: str
    mark: str
    why: str
    note: str
    predictors: tuple[Predictor, ...]
    page: str
    """The address of its web client."""


@dataclass(frozen=True)
class Stage:
    """One environment and its deployments."""

    title: str
    namespace: str
    how: str
    deployments: tuple[Deployment, ...]


@dataclass(frozen=True)
class PartRow:
    """One component as a row."""

    name: str
    state: str
    mark: str
    message: str
    url: str | None
    memory: str


@dataclass(frozen=True)
class Overview:
    """Everything on the page."""

    stations: tuple[Station, ...]
    stages: tuple[Stage, ...]
    runs: tuple[Row, ...]
    components: tuple[PartRow, ...]
    curl: str | None
    client: str | None


def overview(lab: Lab, rows: Rows) -> Overview:
    """The console's current content."""
    components = tuple(_part(component) for component in lab.parts.values())
    runs = _newest(
        [one for each in lab.participant.namespaces for one in lab.store.objects(built_in("PipelineRun"), each)]
    )
    shown = tuple(rows.newest(pipelines_only=True)[:RUNS_SHOWN])
    staging = _stage(lab, N_("Staging"), N_("A successful run of train-and-stage deploys here."))
    production = _stage(lab, N_("Production"), N_("A run of promote brings the digest of staging here."))
    production = _compared(production, staging)
    return Overview(
        stations=_stations(lab, runs, shown, production, staging, components),
        stages=(staging, production),
        runs=shown,
        components=components,
        curl=curl(lab),
        client=endpoints(lab)["client"],
    )


def predictors(deployment: Object) -> tuple[Predictor, ...]:
    """The predictors of a SeldonDeployment and their images."""
    found = []
    for predictor in (deployment.get("spec") or {}).get("predictors") or []:
        image = next(
            (
                str(container.get("image", ""))
                for spec in predictor.get("componentSpecs") or []
                for container in (spec.get("spec") or {}).get("containers") or []
            ),
            "",
        )
        alone = len(deployment["spec"]["predictors"]) == 1
        traffic = predictor.get("traffic")
        found.append(
            Predictor(
                name=str(predictor.get("name", "")),
                image=image,
                digest=_short(image),
                traffic=100 if alone else int(traffic or 0),
                shadow=bool(predictor.get("shadow")),
            )
        )
    return tuple(found)


def _stations(
    lab: Lab,
    runs: Sequence[Object],
    shown: Sequence[Row],
    production: Stage,
    staging: Stage,
    components: Sequence[PartRow],
) -> tuple[Station, ...]:
    last = shown[0] if shown else None
    built = next((digest for run in runs if (digest := _result(run, "IMAGE_DIGEST", "digest"))), "")
    serving = next((d for stage in (production, staging) for d in stage.deployments), None)
    served = N_("{state} in production") if production.deployments else N_("{state} in staging")
    known = {
        "s2i": Station(
            "s2i",
            "ok" if built else "idle",
            N_("built {digest}") if built else N_("no image built yet"),
            values={"digest": _short("@" + built)},
        ),
        "tekton": Station(
            "tekton",
            last.state.mark if last else "idle",
            N_("{pipeline}: {state}") if last else N_("no run yet"),
            last.url if last else "#runs",
            {"pipeline": last.pipeline, "state": last.state.word} if last else {},
        ),
        "seldon": Station(
            "seldon",
            serving.mark if serving else "idle",
            served if serving else N_("nothing serves yet"),
            "#serving",
            {"state": serving.state} if serving else {},
        ),
        **_component_stations(lab, components),
    }
    return tuple(known.get(folder) or Station(folder, "idle", N_("not running")) for folder in FOLDERS)


def _component_stations(lab: Lab, components: Sequence[PartRow]) -> dict[str, Station]:
    """The stations that show whether a component is ready."""
    by_name, known = {part.name: part for part in components}, endpoints(lab)
    found = {}
    for name, spec in lab.components.items():
        if spec.station is not None:
            part, fact = by_name.get(name), spec.station.fact
            values = {"part": part.name, "state": part.state} if part is not None else {}
            if part is not None and part.mark != "ok":
                fact = N_("{part} is {state}")
            url = known.get(spec.station.endpoint) if spec.station.endpoint else lab.page_url(name)
            found[spec.station.name] = Station(spec.station.name, part.mark if part else "idle", fact, url, values)
    return found


def _stage(lab: Lab, title: str, how: str) -> Stage:
    namespace = lab.participant.namespace(title.lower())
    found = lab.store.objects(built_in("SeldonDeployment"), namespace)
    gateway = lab.url("gateway") or ""
    return Stage(title, namespace, how, tuple(_deployment(each, gateway) for each in found))


def _deployment(obj: Object, gateway: str) -> Deployment:
    status, (namespace, name) = status_of(obj), namespace_and_name(obj)
    state = str(status.get("state") or "Creating")
    return Deployment(
        name=name,
        state=state,
        mark=_STATES.get(state, "idle"),
        why=str(status.get("description") or "") if state != "Available" else "",
        note="",
        predictors=predictors(obj),
        page=f"{gateway}{client_path(namespace, name)}/",
    )


def _compared(production: Stage, staging: Stage) -> Stage:
    """Production, with a note on whether it serves the digest that staging tested."""
    tested = {p.digest for d in staging.deployments for p in d.predictors if p.digest}

    def note(deployment: Deployment) -> str:
        digests = {p.digest for p in deployment.predictors if p.digest}
        if not tested or not digests:
            return ""
        return N_("The digest that staging tested.") if digests <= tested else N_("Staging has another digest.")

    return replace(production, deployments=tuple(replace(each, note=note(each)) for each in production.deployments))


def _newest(runs: list[Object]) -> list[Object]:
    def began(run: Object) -> str:
        return str(status_of(run).get("startTime") or run["metadata"].get("creationTimestamp", ""))

    return sorted(runs, key=began, reverse=True)


def _result(run: Object, *names: str) -> str:
    wanted = {name.lower().replace("_", "-") for name in names}
    for result in status_of(run).get("results") or []:
        name = str(result.get("name", "")).lower().replace("_", "-")
        if name in wanted or name.endswith("-digest"):
            digest = str(result.get("value", "")).strip()
            return digest if digest.startswith("sha256:") else ""
    return ""


def _short(image: str) -> str:
    _, found, digest = image.partition("@sha256:")
    return digest[:12] if found else ""


def curl(lab: Lab) -> str | None:
    """The command that requests a prediction from production; None while no deployment there is available."""
    return _curl(endpoints(lab)["production"], _stage(lab, "Production", ""))


def _curl(url: str | None, production: Stage) -> str | None:
    if not url or not any(d.state == "Available" for d in production.deployments):
        return None
    return f"curl -s {url} -H 'Content-Type: application/json' -d @{REQUEST}"


def _part(component: Part) -> PartRow:
    return PartRow(
        name=component.name,
        state=component.state,
        mark=mark_of(component),
        message=component.message,
        url=component.url,
        memory=_memory(component),
    )


def mark_of(part: Part) -> str:
    """The mark of a part's state."""
    return _MARKS.get(part.state, "idle")


def _memory(component: Part) -> str:
    """Resident memory of the program and its children, in MB; empty when it does not run."""
    total = 0
    if component.pid is not None:
        try:
            process = psutil.Process(component.pid)
            total = sum(p.memory_info().rss for p in (process, *process.children(recursive=True)))
        except psutil.Error:
            return ""
    return f"{total / 1e6:.0f} MB" if total else ""

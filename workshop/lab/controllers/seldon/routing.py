"""Selects the pods that receive a deployment's requests.

A predictor switches to its new pods when all of them are ready; until then the old pods answer. When predictors are
added and removed together, the old ones keep serving until every new one is ready.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from workshop.lab.controllers.seldon.names import containers, has_engine, pod_annotations, service_name
from workshop.lab.controllers.seldon.replicas import Replica
from workshop.lab.routes import Backend, Orchestrated, Target
from workshop.manifests.seldon import Predictor, SeldonDeployment

Wanted = Mapping[tuple[str, int], tuple[str, int]]
"""Template hash and number of pods, by predictor and component."""


def all_ready(predictor: Predictor, wanted: Wanted, mine: Sequence[Replica]) -> bool:
    """Whether all wanted pods of a predictor are ready."""
    return all(
        sum(r.ready for r in current(predictor.name, index, wanted, mine)) >= wanted[(predictor.name, index)][1]
        for index in range(len(predictor.component_specs))
    )


def current(predictor: str, index: int, wanted: Wanted, mine: Sequence[Replica]) -> list[Replica]:
    """The pods of a component with its newest template."""
    hash_ = wanted[(predictor, index)][0]
    return [r for r in mine if (r.predictor, r.index, r.hash) == (predictor, index, hash_)]


def targets(
    sdep: SeldonDeployment, wanted: Wanted, mine: Sequence[Replica], before: Sequence[Target]
) -> tuple[Target, ...]:
    """The predictors that may receive requests now, with their pods. `before` are the gateway's current targets."""
    made = [_target(sdep, predictor, wanted, mine) for predictor in sdep.spec.predictors]
    names = {predictor.name for predictor in sdep.spec.predictors}
    ready = {replica.pod for replica in mine if replica.ready}
    leaving = [
        Target(old.predictor, old.service, kept, old.traffic, old.shadow, old.orchestrated)
        for old in before
        if old.predictor not in names and (kept := tuple(b for b in old.backends if b.pod in ready))
    ]
    if leaving and not all(all_ready(predictor, wanted, mine) for predictor in sdep.spec.predictors):
        staying = [t for t in made if any(old.predictor == t.predictor for old in before)]
        return (*staying, *leaving)
    return tuple(made)


def _target(sdep: SeldonDeployment, predictor: Predictor, wanted: Wanted, mine: Sequence[Replica]) -> Target:
    serving = _serving(predictor, wanted, mine)
    first = [r for r in serving if r.index == 0]
    # Without an orchestrator the Service selects the graph's one node.
    entry = next(
        (i for i, c in enumerate(containers(predictor.component_specs[0])) if c["name"] == predictor.graph.name), 0
    )
    return Target(
        predictor=predictor.name,
        service=service_name(sdep, predictor),
        backends=tuple(
            Backend(r.pod, r.servers[entry].port, {s.name: s.port for s in r.servers}) for r in first if r.ready
        ),
        traffic=_traffic(sdep, predictor),
        shadow=predictor.shadow,
        orchestrated=_orchestrated(sdep, predictor, [r for r in serving if r.index > 0])
        if has_engine(predictor)
        else None,
    )


def _serving(predictor: Predictor, wanted: Wanted, mine: Sequence[Replica]) -> list[Replica]:
    """The newest pods if all are ready, else the previous ones, else any."""
    newest = [r for i in range(len(predictor.component_specs)) for r in current(predictor.name, i, wanted, mine)]
    earlier = [r for r in mine if r.predictor == predictor.name and r not in newest and r.ready]
    return newest if all_ready(predictor, wanted, mine) or not earlier else earlier


def _orchestrated(sdep: SeldonDeployment, predictor: Predictor, others: list[Replica]) -> Orchestrated:
    elsewhere: dict[str, list[int]] = {}
    for replica in others:
        for server in replica.servers:
            if server.ready:
                elsewhere.setdefault(server.name, []).append(server.port)
    images = {str(c["name"]): str(c.get("image", "")) for one in predictor.component_specs for c in containers(one)}
    env = {
        str(e.get("name")): str(e.get("value", ""))
        for e in (predictor.svc_orch_spec.env if predictor.svc_orch_spec else [])
    }
    timeout = pod_annotations(sdep, predictor).get("seldon.io/rest-timeout", "")
    return Orchestrated(
        graph=predictor.graph,
        version=predictor.annotations.get("version", ""),
        protocol="v2" if sdep.spec.protocol in ("v2", "kfserving") else "seldon",
        images=images,
        elsewhere={name: tuple(ports) for name, ports in elsewhere.items()},
        timeout=int(timeout) / 1000 if timeout.isdecimal() else 0.0,
        tells_routing=bool(env.get("SELDON_ENABLE_ROUTING_INJECTION")),
    )


def _traffic(sdep: SeldonDeployment, predictor: Predictor) -> int:
    live = [p for p in sdep.spec.predictors if not p.shadow]
    if len(live) == 1 and not predictor.shadow:
        return 100
    return predictor.traffic or 0

"""Writes Prometheus' configuration from monitors and rules, and its targets from Pods.

An object that Prometheus would not load is left out and gets a Warning event with the reason; all others stay active.
Admission refuses such objects, so they exist only if an earlier lab or another version of Prometheus accepted them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from workshop.lab.controllers.leftout import LeftOut
from workshop.lab.controllers.versions import PerVersion
from workshop.lab.kinds import built_in
from workshop.lab.model_servers import ModelServer
from workshop.lab.monitoring.files import PrometheusFiles
from workshop.lab.monitoring.monitors import Job, jobs, parse
from workshop.lab.monitoring.rules import rule_file
from workshop.lab.monitoring.targets import Inventory, Port, ScrapedPod, target_groups
from workshop.lab.routes import metrics_path
from workshop.lab.store import Store
from workshop.manifests.kubernetes import Service

KINDS = ("PodMonitor", "ServiceMonitor", "PrometheusRule", "Service")
"""The kinds that the files depend on."""


class Monitoring:
    """Prometheus' files of the PodMonitors, ServiceMonitors and PrometheusRules in a store.

    `pods` returns the Pods to scrape.
    """

    def __init__(self, store: Store, files: PrometheusFiles, pods: Callable[[], Iterable[ScrapedPod]]) -> None:
        self._store, self._files, self._pods = store, files, pods
        self._left_out = LeftOut(store, "prometheus-operator")
        self._jobs_of = PerVersion[list[Job]](lambda obj: list(jobs(parse(obj))))
        self._rules_of = PerVersion[str](rule_file)

    async def write(self) -> bool:
        """Write Prometheus' files from the objects. Returns whether it must reload."""
        # Objects are read in threads, because promtool looks at each that is new.
        changed = self._files.write_jobs(await self._jobs())
        return self._files.write_rules(await self._rules()) or changed

    async def _jobs(self) -> dict[str, tuple[dict[str, Any], list[dict[str, Any]]]]:
        inventory = Inventory(list(self._pods()), self._services())
        found: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {}
        uids = set()
        for kind in ("PodMonitor", "ServiceMonitor"):
            for obj in self._store.objects(built_in(kind)):
                uids.add(obj["metadata"]["uid"])
                try:
                    made = await asyncio.to_thread(self._jobs_of, obj)
                except ValueError as e:
                    self._left_out.report(obj, e)
                    continue
                self._left_out.clear(obj)
                found |= {job.name: (job.config, target_groups(job, inventory)) for job in made}
        self._jobs_of.keep(uids)
        return found

    async def _rules(self) -> dict[str, str]:
        found = {}
        uids = set()
        kind = built_in("PrometheusRule")
        for obj in self._store.objects(kind):
            meta = obj["metadata"]
            uids.add(meta["uid"])
            try:
                # Object names have no underscores.
                found[f"{meta['namespace']}_{meta['name']}.yaml"] = await asyncio.to_thread(self._rules_of, obj)
            except ValueError as e:
                self._left_out.report(obj, e)
                continue
            self._left_out.clear(obj)
        self._rules_of.keep(uids)
        return found

    def _services(self) -> list[Service]:
        found = []
        for obj in self._store.objects(built_in("Service")):
            try:
                found.append(msgspec.convert(obj, Service))
            except msgspec.ValidationError:
                continue
        return found


def scraped_pods(store: Store, servers: Iterable[ModelServer], gateway: int) -> list[ScrapedPod]:
    """The Pods of SeldonDeployments with their ports.

    `gateway` is the gateway's port. On a cluster each Pod has an orchestrator container; in the lab the gateway answers
    for it.
    """
    kind = built_in("Pod")
    return [
        ScrapedPod(pod, list(_ports(server, gateway)))
        for server in servers
        if (pod := store.find(kind, server.namespace, server.pod))
    ]


def _ports(server: ModelServer, gateway: int) -> Iterable[Port]:
    for index, container in enumerate(server.containers):
        yield Port(container.name, "http", 9000 + index, container.port)
        yield Port(container.name, "metrics", 6000 + index, container.metrics_port)
    if server.orchestrator:
        # The only port has both names.
        path = metrics_path(server.namespace, server.pod)
        yield Port(server.orchestrator, "http", 8000, gateway, path)
        yield Port(server.orchestrator, "metrics", 8000, gateway, path)

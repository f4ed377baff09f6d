"""Bring a cluster's shared parts to what `parts.yaml` says, one part after the other; and take them away again.

Each part is applied and then waited for. A part that is there already is not touched, so an installation that was
interrupted is continued by the same command. What the kit applies has the label PART; only that is removed again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workshop.cluster.applying import apply, find, refused
from workshop.cluster.bulk import BulkClient
from workshop.cluster.client import Client
from workshop.cluster.generated import filled
from workshop.cluster.ingresses import has_routes, reachable, refuse_unused_domain
from workshop.cluster.kustomize import build
from workshop.cluster.resources import discover, of_kind
from workshop.cluster.searching import search
from workshop.cluster.transport import ApiFailure
from workshop.cluster.wanted import APPLIED, Key, is_current, stamped
from workshop.errors import SetupError, TimedOut
from workshop.installation import charts, imagebuilds, operators, settings
from workshop.installation.preflight import is_openshift, served
from workshop.installation.table import Operator, Part, Table
from workshop.manifests.apiresource import ApiResource
from workshop.manifests.objects import (
    Object,
    annotations_of,
    condition,
    labels_of,
    namespace_and_name,
    status_of,
)

PART = "mlops-workshop/part"
"""The label with the part's name on everything that the installation applies."""
_LOOK_SECONDS = 2.0
Report = Callable[[str, dict[str, Any]], None]


@dataclass(frozen=True)
class Options:
    """Of one run: `seconds` is how long each part may take; `force` takes over fields that others have changed.

    `domain` is for addresses on a cluster without OpenShift's Routes.
    """

    seconds: float = 900.0
    force: bool = False
    domain: str = ""


@dataclass(frozen=True)
class Installed:
    """What the kit has applied on a cluster: objects with their parts; and what could not be searched."""

    objects: list[tuple[Key, str]]
    unseen: list[str]


class Installer:
    """One cluster. Its kinds change while operators are installed, so they are discovered again."""

    def __init__(self, kit: Path, client: BulkClient, table: Table, report: Report, options: Options) -> None:
        self.kit = kit
        self.client = client
        self.table = table
        self.report = report
        self.options = options
        self.known: list[ApiResource] = []

    async def discover(self) -> None:
        """Ask for the kinds of the server. Raises SetupError; UsageError when it has no use for the domain."""
        self.known = await asyncio.to_thread(lambda: discover(Client(self.client.config).http))
        refuse_unused_domain(self.known, self.options.domain)

    async def install(self) -> None:
        """Install what is missing.

        Raises SetupError, ManifestError; RunFailed for a build; TimedOut with the reason when a part is stuck.
        """
        await self.discover()
        for part in self.table.parts:
            reason = self.left_out(part)
            if reason:
                self.report("part", {"name": part.name, "state": "left out", "message": reason})
                continue
            written = await self._bring(part)
            await self._until(part)
            self.report("part", {"name": part.name, "state": "ready", "written": written})

    def left_out(self, part: Part) -> str:
        """Why a part is not for this cluster; empty when it is."""
        if part.openshift and not is_openshift(self.known):
            return "it needs OpenShift"
        if part.addresses and not has_routes(self.known) and not self.options.domain:
            return f"it needs OpenShift's Routes; {part.elsewhere}"
        if part.needs:
            needed = next(one for one in self.table.parts if one.name == part.needs)
            if not all(served(self.known, kind) for kind in needed.provides):
                return f"it needs {part.needs}"
        if part.optional and not self._serves(part) and not self._can_subscribe(part):
            return part.elsewhere
        return ""

    async def waiting_for(self, part: Part) -> list[str]:
        """What keeps a part from being ready, in words; empty when it is. Raises SetupError."""
        missing = [f"the server has no {kind}" for kind in part.provides if not served(self.known, kind)]
        if part.operator is not None and await self._needs_operator(part, part.operator):
            missing += await operators.waiting_for(self.client, self.known, part.operator)
        if part.folder and not missing:
            for key, obj in await self.objects(part):
                live = await find(self.client, key)
                if live is None:
                    missing.append(f"{key.described} is missing")
                else:
                    missing += _not_ready(key, obj, live)
        if part.merge is not None and is_openshift(self.known):
            missing += await settings.waiting_for(self.client, self.known, part.merge)
        for name in part.builds:
            missing += await imagebuilds.waiting_for(self.client, self.known, name)
        return missing

    async def objects(self, part: Part) -> list[tuple[Key, Object]]:
        """The objects of a part's folder. Raises SetupError when the server lacks one of their kinds."""
        built = await asyncio.to_thread(build, self.kit / part.folder)
        made = []
        for obj in reachable(built, self.known, self.options.domain):
            resource = of_kind(self.known, obj["apiVersion"], obj["kind"])
            if resource is None:
                raise SetupError(
                    f"part {part.name}: the server has no {obj['kind']} ({obj['apiVersion']})",
                    hint="workshop cluster preflight shows what brings it",
                )
            labelled = {**obj, "metadata": {**obj["metadata"], "labels": {**labels_of(obj), PART: part.name}}}
            made.append((Key(resource, *namespace_and_name(obj)), stamped(labelled)))
        return made

    async def uninstall(self, found: Sequence[tuple[Key, str]]) -> None:
        """Delete what `installed` has found, parts in the opposite order.

        A chart takes its kinds along, and with a kind all objects of it. While there are any, nothing is removed.
        Raises ManifestError, SetupError, TimedOut.
        """
        await self._refuse_chart_in_use()
        order = {part.name: at for at, part in enumerate(self.table.parts)}
        parts = {part.name: part for part in self.table.parts}
        for name in sorted({part for _, part in found}, key=lambda one: -order.get(one, -1)):
            mine = [key for key, part in found if part == name]

            # A namespace goes last: it takes the rest along.
            for key in sorted(mine, key=lambda key: key.resource.kind == "Namespace"):
                try:
                    if key.resource.kind == "Subscription" and name in parts:
                        await operators.remove(self.client, self.known, parts[name], key)
                    await self.client.delete(key.resource, key.namespace or None, key.name)
                except ApiFailure as e:
                    raise refused(e, f"delete {key.described}") from e
            self.report("removed", {"name": name, "objects": len(mine)})
        for part in self.table.parts:
            changed = part.merge is not None and await settings.take_back(self.client, self.known, part.merge)
            changed |= part.chart is not None and await charts.uninstall(self.client, self.known, part.chart)
            if changed:
                self.report("removed", {"name": part.name, "objects": 1})
        deadline = time.monotonic() + self.options.seconds
        while left := [key.described for key, _ in (await self.installed()).objects]:
            if time.monotonic() > deadline:
                raise TimedOut(
                    f"still there after {self.options.seconds:.0f} s: {', '.join(left[:5])}",
                    hint="oc describe shows finalizers and conditions; then the same command again",
                )
            await asyncio.sleep(_LOOK_SECONDS / 4)

    async def installed(self) -> Installed:
        """Everything on the cluster with the label PART that the kit has applied. Raises SetupError."""
        found = await search(self.client, self.known, PART)
        mine = [
            (Key(resource, *namespace_and_name(obj)), labels_of(obj)[PART])
            for resource, obj in found.objects
            if APPLIED in annotations_of(obj)
        ]
        return Installed(mine, found.unseen)

    # -- bringing one part --------------------------------------------------------------------------------------

    async def _bring(self, part: Part) -> int:
        written = 0
        if part.operator is not None and await self._needs_operator(part, part.operator):
            if await operators.subscribed(self.client, self.known, part.operator) is None:
                written += await self._write(part, [operators.subscription(part, part.operator, self.known, PART)])
        elif part.operator is not None and not self._serves(part):
            raise SetupError(f"part {part.name} is missing: {part.elsewhere}", hint="then the same command again")
        elif part.chart is not None and not self._serves(part):
            await charts.install(self.client, part.chart)
            written += 1
        elif part.provides and not self._serves(part) and not part.folder and part.merge is None:
            raise SetupError(f"part {part.name} is missing: {part.elsewhere}", hint="then the same command again")
        if part.merge is not None and is_openshift(self.known):
            written += await settings.merge(self.client, self.known, part.merge)
        if part.folder:
            written += await self._write(part, await self.objects(part))
        for name, source in part.builds.items():
            written += await imagebuilds.start(self.client, self.known, self.kit, name, source)
        return written

    async def _write(self, part: Part, wanted: Sequence[tuple[Key, Object]]) -> int:
        """Apply what differs; refuse to change what the kit has not made. Raises SetupError, ManifestError."""
        changes, foreign = [], []
        for key, obj in wanted:
            live = await find(self.client, key)
            if live is not None and APPLIED not in annotations_of(live):
                foreign.append(key.described)
            whole = filled(obj, live)
            if live is None or not is_current(live, whole):
                changes.append((key, whole))
        if foreign:
            raise SetupError(
                f"part {part.name}: somebody else has made {', '.join(foreign)}; nothing of this part was written",
                hint=f"rename or delete it, or let the kit have it: oc annotate KIND NAME {APPLIED}=adopted",
            )
        for key, obj in changes:
            await apply(self.client, key, obj, force=self.options.force)
        return len(changes)

    async def _until(self, part: Part) -> None:
        """Wait until the part is ready. Raises TimedOut with what keeps it."""
        began, said = time.monotonic(), ""
        while True:
            if part.provides and not self._serves(part):
                await self.discover()
            waiting = await self.waiting_for(part)
            if not waiting:
                return
            for name in part.builds:
                await imagebuilds.refuse_failed(self.client, self.known, name)
            message = "; ".join(waiting)
            if message != said:
                said = message
                self.report("part", {"name": part.name, "state": "waiting", "message": message})
            if time.monotonic() - began > self.options.seconds:
                raise TimedOut(
                    f"part {part.name} is not ready after {self.options.seconds:.0f} s: {message}",
                    hint="workshop cluster status shows all parts; workshop cluster install goes on waiting",
                )
            await asyncio.sleep(_LOOK_SECONDS)

    def _serves(self, part: Part) -> bool:
        return all(served(self.known, kind) for kind in part.provides)

    def _can_subscribe(self, part: Part) -> bool:
        return part.operator is not None and operators.can_subscribe(self.known)

    async def _needs_operator(self, part: Part, operator: Operator) -> bool:
        """Whether OLM brings the part. Without a Subscription, kinds that are served came in another way.

        Kinds that an uninstallation has left are an exception.
        """
        if not self._can_subscribe(part):
            return False
        return (
            not self._serves(part)
            or await operators.subscribed(self.client, self.known, operator) is not None
            or await operators.is_left_over(self.client, self.known, part)
        )

    async def _refuse_chart_in_use(self) -> None:
        for part in self.table.parts:
            if part.chart is None or not await charts.is_installed(self.client, self.known, part.chart):
                continue
            used = [
                f"{resource.kind} {'/'.join(namespace_and_name(obj))}"
                for resource in self.known
                if f"{resource.kind}.{resource.api_version}" in part.provides
                for obj in await self.client.list(resource, metadata=True)
            ]
            if used:
                more = f" and {len(used) - 5} more" if len(used) > 5 else ""
                raise SetupError(
                    f"part {part.name} is in use by {', '.join(used[:5])}{more}; nothing was removed",
                    hint="workshop cohort teardown removes those of participants; then the same command again",
                )


def _not_ready(key: Key, wanted: Object, live: Object) -> list[str]:
    """Why an object does not work yet, in the words of its conditions."""
    if key.resource.kind not in ("Deployment", "StatefulSet"):
        return []
    status, replicas = status_of(live), (wanted.get("spec") or {}).get("replicas", 1)
    if status.get("availableReplicas", 0) >= replicas and status.get("observedGeneration") == live["metadata"].get(
        "generation"
    ):
        return []
    reason = condition(live, "Available").get("message") or condition(live, "Progressing").get("message")
    return [f"{key.described}: {reason or 'its Pods are not available yet'}"]

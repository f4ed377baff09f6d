"""Reconciles ResolutionRequests: runs the resolver of each and writes its result into the status.

Sources: pkg/resolution/resolver/framework/reconciler.go and pkg/reconciler/resolutionrequest of tektoncd/pipeline.
"""

from __future__ import annotations

import asyncio
import base64
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from workshop.lab.admission.tekton.config import NAMESPACE, RESOLVERS_NAMESPACE, config_of
from workshop.lab.controllers.conditions import Status, save_status, set_condition
from workshop.lab.controllers.tekton.remote import bundles, cluster, git, http, hub
from workshop.lab.controllers.tekton.remote.base import (
    LARGEST,
    InvalidParams,
    Request,
    Resolved,
    Resolver,
    ResolverError,
)
from workshop.lab.controllers.tekton.remote.requests import TYPE
from workshop.lab.kinds import built_in
from workshop.lab.paths import LabPaths
from workshop.lab.store import Store
from workshop.manifests.objects import Object, condition, labels_of, truth
from workshop.manifests.tekton import format_duration

RESOLVERS: dict[str, tuple[str, str, Resolver]] = {
    "bundles": ("Bundles", "bundleresolver-config", bundles.resolve),
    "cluster": ("Cluster", "cluster-resolver-config", cluster.resolve),
    "git": ("Git", "git-resolver-config", git.resolve),
    "http": ("Http", "http-resolver-config", http.resolve),
    "hub": ("Hub", "hubresolver-config", hub.resolve),
}
"""The resolvers by the name in a manifest: Tekton's name of each, its ConfigMap, and its function."""
AT_ONCE = 8
"""Number of resolvers that fetch at the same time."""


class Fetching:
    """The reconciler, for a Loop that owns ResolutionRequests."""

    def __init__(self, store: Store, paths: LabPaths) -> None:
        self._store, self._paths = store, paths
        self._requests = built_in("ResolutionRequest")
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def reconcile(self, namespace: str, name: str) -> float | None:
        """Fetch the object of one request."""
        request = self._store.find(self._requests, namespace, name)
        if request is None or truth(request) in ("True", "False"):
            return None
        status: Status = request.setdefault("status", {})
        if not condition(request):
            set_condition(status, "Unknown", "", "waiting for resolver")
            save_status(self._store, self._requests, request)
        try:
            async with self._slots:
                found = await self._within_time(request)
        except ResolverError as e:
            set_condition(status, "False", "ResolutionFailed", str(e))
        except TimeoutError:
            limit = format_duration(config_of(self._store).defaults.resolution_seconds)
            text = f"resolution took longer than global timeout of {limit}"
            set_condition(status, "False", "ResolutionTimedOut", text)
        else:
            status |= {
                "data": base64.b64encode(found.data).decode(),
                "refSource": found.source,
                "source": found.source,
            }
            if found.annotations:
                status["annotations"] = dict(found.annotations)
            set_condition(status, "True", "", "")
        save_status(self._store, self._requests, request)
        return None

    async def _within_time(self, request: Object) -> Resolved:
        """Run the resolver of a request. Raises ResolverError, TimeoutError."""
        meta, type_ = request["metadata"], labels_of(request).get(TYPE, "")
        key = f"{meta['namespace']}/{meta['name']}"
        if type_ not in RESOLVERS:
            known = ", ".join(sorted(RESOLVERS))
            raise ResolverError(f'invalid resource request "{key}": no resolver "{type_}"; the lab has {known}')
        name, config, resolve = RESOLVERS[type_]
        params = {one["name"]: one["value"] for one in request["spec"].get("params") or []}
        texts = {key: value for key, value in params.items() if isinstance(value, str)}
        self._paths.run.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="resolver-", dir=self._paths.run))
        try:
            async with asyncio.timeout(config_of(self._store).defaults.resolution_seconds):
                made = Request(self._store, meta["namespace"], texts, self._config(config), folder)
                found = await resolve(made)
                if len(found.data) > LARGEST:
                    raise ResolverError(f"the object has {len(found.data)} bytes; at most {LARGEST} are taken")
                return found
        except InvalidParams as e:
            raise ResolverError(f'invalid resource request "{key}": {e}') from e
        except ResolverError as e:
            raise ResolverError(f'error getting "{name}" "{key}": {e}') from e
        except (AttributeError, LookupError, TypeError, ValueError) as e:
            # A server may answer with anything. Another exception would be tried again, without an end.
            text = f"the answer is not what a server of this resolver returns: {type(e).__name__}: {e}"
            raise ResolverError(f'error getting "{name}" "{key}": {text}') from e
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    def _config(self, name: str) -> Mapping[str, str]:
        """The data of a resolver's ConfigMap."""
        for namespace in (RESOLVERS_NAMESPACE, NAMESPACE):
            found = self._store.find(built_in("ConfigMap"), namespace, name)
            if found is not None:
                return found.get("data") or {}
        return {}

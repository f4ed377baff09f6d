"""The accounts and roles that a cluster keeps by itself.

Each namespace has its ServiceAccounts and their RoleBindings, as OpenShift and OpenShift Pipelines make them, and each
aggregated ClusterRole has the rules of those that it selects.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from workshop.lab.controllers.loop import Controller, Key, Loop
from workshop.lab.kinds import Kind, built_in
from workshop.lab.lab import Lab
from workshop.lab.rbac.aggregation import aggregate_all
from workshop.lab.rbac.defaults import namespace_accounts, namespace_bindings
from workshop.lab.records import Record
from workshop.lab.store import Store
from workshop.manifests.objects import Object


def controller(lab: Lab) -> Controller:
    """Makes accounts and bindings in each namespace, and aggregates ClusterRoles."""
    return _Accounts(lab.store)


class _Accounts:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def run(self) -> None:
        """Reconcile until cancelled."""
        of_namespace = {
            built_in("ServiceAccount"): _namespace_of,
            built_in("RoleBinding"): _namespace_of,
        }
        roles = built_in("ClusterRole")
        loops = [
            Loop("accounts", self._store, self._reconcile, owns=built_in("Namespace"), watches=of_namespace),
            Loop("clusterroles", self._store, self._aggregate, owns=roles),
        ]
        async with asyncio.TaskGroup() as group:
            for loop in loops:
                group.create_task(loop.run())

    def settled(self) -> bool:
        """Whether each namespace has its accounts."""
        account = built_in("ServiceAccount")
        return all(
            self._store.find(account, record.name, name) is not None
            for record in self._store.records(built_in("Namespace"))
            for name in namespace_accounts()
        )

    async def _reconcile(self, _: str, name: str) -> None:
        if self._store.find(built_in("Namespace"), "", name) is None:
            return
        for account in namespace_accounts():
            self._ensure(built_in("ServiceAccount"), {"metadata": {"name": account, "namespace": name}})
        for binding in namespace_bindings(name):
            self._ensure(built_in("RoleBinding"), binding)

    async def _aggregate(self, *_: str) -> None:
        aggregate_all(self._store)

    def _ensure(self, kind: Kind, obj: Object) -> None:
        meta = obj["metadata"]
        if self._store.find(kind, meta["namespace"], meta["name"]) is None:
            self._store.create(kind, obj)


def _namespace_of(record: Record) -> Iterable[Key]:
    return (("", record.namespace),)

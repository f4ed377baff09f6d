"""The accounts and bindings of a namespace, and aggregated roles, are kept by controllers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.kit import until_async
from workshop.lab.build import build_lab
from workshop.lab.controllers.accounts import controller
from workshop.lab.kinds import built_in
from workshop.lab.paths import LabPaths
from workshop.lab.rbac.defaults import reconcile_defaults
from workshop.lab.store import Store

NAMESPACE, ACCOUNT, BINDING = map(built_in, ("Namespace", "ServiceAccount", "RoleBinding"))
ACCOUNTS = ["builder", "default", "deployer", "pipeline"]


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Store]:
    store = Store()
    reconcile_defaults(store)
    task = asyncio.create_task(controller(build_lab(LabPaths(folder), store, "token", {}, {})).run())
    try:
        yield store
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def names(store: Store, kind: Any, namespace: str) -> list[str]:
    return [record.name for record in store.records(kind, namespace)]


def test_a_namespace_gets_its_accounts_and_bindings(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running(tmp_path) as store:
            store.create(NAMESPACE, {"metadata": {"name": "dev"}})
            await until_async(lambda: len(names(store, BINDING, "dev")) == 5)
            assert names(store, ACCOUNT, "dev") == ACCOUNTS
            edit = store.get(BINDING, "dev", "openshift-pipelines-edit")
            assert edit["subjects"] == [{"kind": "ServiceAccount", "name": "pipeline", "namespace": "dev"}]

    asyncio.run(scenario())


def test_a_deleted_account_or_binding_comes_back_with_a_new_uid(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running(tmp_path) as store:
            store.create(NAMESPACE, {"metadata": {"name": "dev"}})
            await until_async(lambda: len(names(store, BINDING, "dev")) == 5)
            before = store.record(ACCOUNT, "dev", "pipeline").uid
            store.delete(ACCOUNT, "dev", "pipeline")
            store.delete(BINDING, "dev", "system:deployers")
            await until_async(lambda: len(names(store, ACCOUNT, "dev") + names(store, BINDING, "dev")) == 9)
            assert store.record(ACCOUNT, "dev", "pipeline").uid != before

    asyncio.run(scenario())


def test_a_deleted_namespace_stays_empty(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running(tmp_path) as store:
            store.create(NAMESPACE, {"metadata": {"name": "dev"}})
            await until_async(lambda: len(names(store, BINDING, "dev")) == 5)
            store.delete(NAMESPACE, "", "dev")
            for kind in (ACCOUNT, BINDING):
                for name in names(store, kind, "dev"):
                    store.delete(kind, "dev", name)
            store.create(NAMESPACE, {"metadata": {"name": "other"}})
            await until_async(lambda: len(names(store, BINDING, "other")) == 5)
            assert names(store, ACCOUNT, "dev") == []

    asyncio.run(scenario())


def test_an_aggregated_role_takes_in_a_new_role_and_lets_it_go(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running(tmp_path) as store:
            roles = built_in("ClusterRole")
            rule = {"verbs": ["get"], "apiGroups": ["example.com"], "resources": ["widgets"]}
            labels = {"rbac.authorization.k8s.io/aggregate-to-view": "true"}
            store.create(roles, {"metadata": {"name": "widgets", "labels": labels}, "rules": [rule]})
            await until_async(lambda: rule in store.get(roles, "", "admin")["rules"])
            store.delete(roles, "", "widgets")
            await until_async(lambda: rule not in store.get(roles, "", "admin")["rules"])

    asyncio.run(scenario())

"""Helm charts of the installation: installed and removed by `helm`, as one release."""

from __future__ import annotations

import asyncio
import shlex
import shutil
from collections.abc import Sequence

from workshop.cluster.bulk import BulkClient
from workshop.cluster.resources import of_kind
from workshop.cluster.transport import ApiFailure
from workshop.errors import SetupError
from workshop.installation.table import Chart
from workshop.manifests.apiresource import ApiResource

RELEASE = "mlops-workshop"


async def install(client: BulkClient, chart: Chart) -> None:
    """Install the chart and wait until it is ready. Raises SetupError with the command if helm is missing or fails."""
    words = ["upgrade", "--install", RELEASE, chart.name, "--repo", chart.repository, "--version", chart.version]
    words += ["--namespace", chart.namespace, "--create-namespace", "--wait"]
    for name, value in chart.values.items():
        words += ["--set" if value == "null" else "--set-string", f"{name}={value}"]
    await _helm(client, words)


async def is_installed(client: BulkClient, known: Sequence[ApiResource], chart: Chart) -> bool:
    """Whether the release exists. Raises SetupError, ApiFailure."""
    secrets = of_kind(known, "v1", "Secret")
    assert secrets is not None
    try:
        # Helm keeps a release as a Secret.
        return bool(await client.list(secrets, chart.namespace, labels=f"owner=helm,name={RELEASE}", metadata=True))
    except ApiFailure as e:
        if e.code != 404:
            raise
        return False


async def uninstall(client: BulkClient, known: Sequence[ApiResource], chart: Chart) -> bool:
    """Remove the release if it exists, and return whether it did. Raises SetupError, ApiFailure."""
    if not await is_installed(client, known, chart):
        return False
    await _helm(client, ["uninstall", RELEASE, "--namespace", chart.namespace])
    return True


async def _helm(client: BulkClient, words: Sequence[str]) -> None:
    command = ["helm", *words]
    if shutil.which("helm") is None:
        raise SetupError(
            "helm is not on PATH, and it installs Seldon Core",
            hint=f"install helm 3; or run where it is: {shlex.join(command)}",
        )
    config = client.config
    cluster = [f"--kubeconfig={config.path}"] if config.path else []
    cluster += [f"--kube-context={config.context}"] if config.context else []
    whole = [*command, *cluster]
    process = await asyncio.create_subprocess_exec(
        *whole, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    _, err = await process.communicate()
    if process.returncode != 0:
        raise SetupError(f"helm failed: {err.decode().strip()}", hint=shlex.join(whole))

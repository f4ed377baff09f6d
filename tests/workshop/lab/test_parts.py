"""A component is one entry: its port, endpoint, variables, doctor line, status and pages follow from it."""

from __future__ import annotations

import asyncio
import os
import ssl
import sys
from pathlib import Path

import httpx
import pytest

from workshop.cluster.client import Client
from workshop.commands import doctor, status
from workshop.lab.components.process import ProcessRunner, ProcessSpec
from workshop.lab.lab import Lab
from workshop.lab.parts import ComponentSpec, Runner, Station, Tool
from workshop.lab.paths import LabPaths
from workshop.lab.report import Lock, read
from workshop.lab.supervisor import Supervisor

SERVER = """
import http.server, sys
from workshop.lab import ports
server = http.server.HTTPServer(("", 0), http.server.SimpleHTTPRequestHandler, bind_and_activate=False)
server.socket = ports.listen(int(sys.argv[1]))
server.socket.setblocking(True)
server.server_activate()
server.serve_forever()
"""


def _make(lab: Lab) -> Runner:
    folder, url = lab.paths.component("parrot"), str(lab.url("parrot"))
    argv = [sys.executable, "-c", SERVER, str(lab.ports["parrot"])]
    env = {"PATH": os.environ["PATH"]}
    return ProcessRunner(lab, "parrot", lambda: ProcessSpec(argv, env, folder, url, folder / "parrot.log"))


COMPONENTS = {
    "parrot": ComponentSpec(
        make=_make,
        title="The Parrot",
        port=17777,
        variable="PARROT_URL",
        task_variable="PARROT_ADDRESS",
        station=Station("model", "repeats its input"),
        tool=Tool("parrot", "sudo apt-get install parrot", needed=True),
        package="parrot_of_no_registry",
    )
}


def test_the_doctor_has_a_line_for_a_new_component(tmp_path: Path) -> None:
    findings = {finding.name: finding for finding in doctor.findings(LabPaths(tmp_path), COMPONENTS)}
    assert (findings["parrot"].ok, findings["parrot"].needed) == (False, True)
    assert findings["parrot"].fix == "sudo apt-get install parrot"
    assert findings["packages"].found == "missing: parrot_of_no_registry"


@pytest.mark.slow
def test_a_new_component_has_a_port_an_endpoint_variables_a_state_and_a_place_on_the_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKSHOP_PORTS", "free")
    paths = LabPaths(tmp_path / "lab")
    paths.make()
    lock = Lock(paths)
    assert lock.take()

    async def scenario() -> None:
        running = asyncio.create_task(Supervisor(paths, COMPONENTS).run())
        while not ((report := read(paths)) and report.phase == "ready"):
            await asyncio.sleep(0.05)
            assert not running.done(), running.exception()
        await _looked_at(paths)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        report = read(paths)
        assert report is not None
        assert {part.name: part.state for part in report.components}["parrot"] == "stopped"

    try:
        asyncio.run(scenario())
    finally:
        lock.release()


async def _looked_at(paths: LabPaths) -> None:
    found = await asyncio.to_thread(status.status_of, paths)
    url = found["endpoints"]["parrot"]
    assert found["phase"] == "ready" and url
    (part,) = [part for part in found["components"] if part["name"] == "parrot"]
    assert (part["state"], part["url"]) == ("ready", url) and part["pid"] and part["rss_bytes"]
    token = paths.token.read_text().strip()
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(
        headers=headers, verify=ssl.create_default_context(cafile=str(paths.tls / "ca.crt"))
    ) as client:
        assert (await client.get(url)).status_code == 200
        page = (await client.get(str(found["endpoints"]["console"]))).text
        assert f'<a href="{url}"' in page and "The Parrot" in page and "repeats its input" in page
    addresses = await asyncio.to_thread(Client.load(paths.kubeconfig).get, "ConfigMap", "user1-dev", "mlops-endpoints")
    assert addresses["data"]["PARROT_ADDRESS"] == url

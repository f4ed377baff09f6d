"""The lab in one process: store, API, gateway, console, controllers; and the programs it starts and ends.

`python -m workshop.lab.supervisor` runs until SIGTERM. It is started by `workshop up`, which reads its progress from
the report file. All children belong to the launcher, which ends them when this process ends, however it ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shlex
import shutil
import signal
import socket
import sqlite3
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from workshop.cluster import config as configs
from workshop.errors import EnvironmentFault, ManifestError, WorkshopError, disk_fault
from workshop.guide.values import values
from workshop.lab import environment, participant, ports, seed
from workshop.lab.api.app import build as build_api
from workshop.lab.api.auth import Certificate, certificate, kubeconfig
from workshop.lab.api.auth import token as token_of
from workshop.lab.clientpage import client_url
from workshop.lab.components import grafana, jupyterhub, mlflow, prometheus
from workshop.lab.components.base import Component, Running
from workshop.lab.components.builder import Builder
from workshop.lab.controllers.approval.reconcile import Approvals
from workshop.lab.controllers.loop import Loop
from workshop.lab.controllers.monitoring.reconcile import Monitoring, scraped_pods
from workshop.lab.controllers.routes.router import RouteController
from workshop.lab.controllers.seldon.reconcile import SeldonReconciler
from workshop.lab.controllers.seldon.replicas import Replicas
from workshop.lab.controllers.tekton import run_tekton
from workshop.lab.controllers.triggers.run import Triggers
from workshop.lab.gateway import serve as serve_gateway
from workshop.lab.git import GitServer, is_push
from workshop.lab.images.run import HostImages
from workshop.lab.images.store import ImageStore
from workshop.lab.kinds import built_in
from workshop.lab.listening.hosts import LoopbackHosts
from workshop.lab.listening.limits import raise_open_files
from workshop.lab.listening.server import server
from workshop.lab.monitoring.files import PrometheusFiles
from workshop.lab.pages.auth import TokenGate
from workshop.lab.pages.context import Component as PageComponent
from workshop.lab.pages.context import Context
from workshop.lab.pages.routes import routes as page_routes
from workshop.lab.pages.terminal.routes import WEBSOCKETS
from workshop.lab.pages.terminal.shells import participant_shells
from workshop.lab.paths import KIT, LabPaths, lab_paths
from workshop.lab.report import ENDPOINTS, ComponentReport, Lock, Report, write
from workshop.lab.routes import Routes
from workshop.lab.runtimes.process.images import ImageTable
from workshop.lab.runtimes.process.launcher import Launcher
from workshop.lab.runtimes.process.runtime import ProcessRuntime
from workshop.lab.sessions import Sessions
from workshop.lab.store import Store
from workshop.oc.cli import tool as oc_tool
from workshop.programs import fetched
from workshop.programs import find as find_program
from workshop.usecase import DEPLOYMENT

MIN_FREE_BYTES = 300 * 1024 * 1024
"""Below this a pipeline run fails half-way; better said at the start."""


log = logging.getLogger("workshop.lab")


class Supervisor:
    """Everything that one lab runs."""

    def __init__(self, where: LabPaths) -> None:
        self.state = where
        self.started = time.time()
        self.phase = "starting"
        self.message = ""
        self.ports: dict[str, int] = {}
        self.components: dict[str, Running | Builder] = {}
        self.routes = Routes()
        self.launcher: Launcher | None = None
        self._reconciler: SeldonReconciler | None = None
        self._monitoring: Monitoring | None = None
        self._servers: list[uvicorn.Server] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._serving: list[asyncio.Task[None]] = []
        self._closers: list[Callable[[], Awaitable[None]]] = []

    async def run(self) -> None:
        """Start, serve until SIGTERM or SIGINT, stop. Raises EnvironmentFault."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        try:
            await self._start(stop)
            await stop.wait()
        finally:
            self.phase = "stopping"
            self.report()
            await self._stop()

    def report(self, *, exit_code: int = 0) -> None:
        """Write down how things are."""
        write(
            self.state,
            Report(
                phase=self.phase,
                pid=os.getpid(),
                started=self.started,
                message=self.message,
                exit_code=exit_code,
                endpoints=self.endpoints(),
                components=list(self._parts()),
            ),
        )

    def _parts(self) -> Iterator[ComponentReport]:
        """The supervisor, the launcher, the programs, the model servers."""
        yield ComponentReport("lab", self.phase, self._url("console"), os.getpid())
        if self.launcher is not None and self.launcher.pid is not None:
            yield ComponentReport("launcher", "ready", pid=self.launcher.pid)
        for name, running in self.components.items():
            yield ComponentReport(
                name,
                running.state,
                running.component.url or None,
                running.pid,
                running.message,
                round(running.seconds, 2),
            )
        for pod, replica in self._reconciler.targets() if self._reconciler else ():
            name = f"{pod['metadata']['namespace'].removeprefix(seed.USER + '-')}-model"
            yield ComponentReport(name, "ready", replica.url, replica.handle.pid if replica.handle else None)

    def endpoints(self) -> dict[str, str | None]:
        """The URLs that scripts rely on; None for a part that is not there."""
        found: dict[str, str | None] = dict.fromkeys(ENDPOINTS)
        if not self.ports:
            return found
        console = self._url("console")
        found |= {
            "api": f"https://127.0.0.1:{self.ports['api']}",
            "console": console,
            "guide": f"{console}/guide/",
            "dashboards": f"{console}/dashboards/model-serving",
            # The lab's viewer draws the same files; an installed Grafana takes this name below.
            "grafana": f"{console}/dashboards/",
        }
        for stage in ("staging", "production"):
            if (seed.namespace(stage), DEPLOYMENT) not in self.routes.known:
                continue
            found[stage] = self._predictions(stage)
        if found["production"]:
            found["client"] = client_url(str(self._url("gateway")), seed.namespace("production"))
        for name, running in self.components.items():
            if name in found and not running.component.missing:
                found[name] = running.component.url
        return found

    def _predictions(self, stage: str) -> str:
        return f"{self._url('gateway')}/seldon/{seed.namespace(stage)}/{DEPLOYMENT}/api/v1.0/predictions"

    # -- starting ----------------------------------------------------------------------------------------------

    async def _start(self, stop: asyncio.Event) -> None:
        where = self.state
        _check_free_space(where)
        held = ports.choose(where.run / "ports.json")
        self.ports = {name: port.number for name, port in held.items()}
        self._closers.extend(_closing(port.close) for port in held.values())
        token = token_of(where.token)
        self.report()
        self.store = Store(where.store)
        self.store.load()
        self._closers.append(_closing(self.store.close))
        self.certificate = certificate(where.tls)
        point_clients(where, f"https://127.0.0.1:{self.ports['api']}", self.certificate, token)
        write_tools(where)
        self.launcher = launcher = Launcher(where.run)
        await launcher.open()
        self._closers.append(launcher.close)
        base_env = environment.base(where)
        participant.ensure_repository(where, base_env)
        participant.point_remote(where, base_env, str(self._url("git")))
        participant.point_dvc(where)
        participant.quiet_kernels(where)
        seed.seed(self.store, self._addresses(), {"MLFLOW_TRACKING_TOKEN": token})
        self._serve_http(token, launcher)
        self._run_controllers(launcher)
        for component in self._programs(base_env, token):
            running = Running(component, launcher, self.report)
            self.components[component.name] = running
            self._tasks.append(asyncio.create_task(running.run()))
        builder = Builder(self.images, KIT, Path(base_env["UV_CACHE_DIR"]), where.seldon_core, self.report)
        self.components["builder"] = builder
        self._tasks.append(asyncio.create_task(builder.run()))
        self.report()
        await self._until_up(stop)

    def _addresses(self) -> dict[str, str]:
        gateway = self._url("gateway")
        measured = {"PROMETHEUS_URL": str(self._url("prometheus"))} if find_program("prometheus") else {}
        return {
            **measured,
            "DVC_REMOTE_URL": str(self.state.dvc_remote),
            "GIT_URL": f"{self._url('git')}/{participant.REPOSITORY}.git",
            "MLFLOW_TRACKING_URI": str(self._url("mlflow")),
            "PRODUCTION_NAMESPACE": seed.namespace("production"),
            "PRODUCTION_URL": f"{gateway}/seldon/{seed.namespace('production')}/{DEPLOYMENT}",
            "STAGING_NAMESPACE": seed.namespace("staging"),
            "STAGING_URL": f"{gateway}/seldon/{seed.namespace('staging')}/{DEPLOYMENT}",
        }

    def _programs(self, env: dict[str, str], token: str) -> list[Component]:
        if os.environ.get("WORKSHOP_PROGRAMS") == "none":
            return []
        folder = self.state.components
        hub_env = {
            **env,
            "MLFLOW_TRACKING_URI": str(self._url("mlflow")),
            "MLFLOW_TRACKING_TOKEN": token,
            # Where things will be: a notebook server may be older than the model that it calls.
            **values(seed.USER, self.endpoints() | {stage: self._predictions(stage) for stage in seed.STAGES[1:]}),
        }
        console = str(self._url("console"))
        made = [
            mlflow.component(folder / "mlflow", self.ports["mlflow"], env, self.state.token, console),
            prometheus.component(folder / "prometheus", self.ports["prometheus"], env),
            jupyterhub.component(self.state, self.ports["jupyterhub"], hub_env, console=console),
        ]
        dashboards = KIT / "grafana" / "rendered"
        url = f"http://127.0.0.1:{self.ports['prometheus']}"
        if drawn := grafana.component(folder / "grafana", self.ports["grafana"], env, url, dashboards):
            made.append(drawn)
        for component in made:
            if not component.missing:
                component.cwd.mkdir(parents=True, exist_ok=True)
        return made

    def _serve_http(self, token: str, launcher: Launcher) -> None:
        shells = participant_shells(self.state, launcher)
        self._closers.append(shells.close)
        context = Context(
            store=self.store,
            state=self.state,
            token=token,
            endpoints=self.endpoints,
            components=self._page_components,
            prometheus_url=f"http://127.0.0.1:{self.ports['prometheus']}" if find_program("prometheus") else None,
            shells=shells,
        )
        console = TokenGate(
            Starlette(routes=page_routes(context)), token, sessions=Sessions(self.state.run / "sessions.json")
        )
        api = build_api(self.store, self.state, token)
        git = GitServer(self.store, self.state, token, str(self._url("git")), environment.base(self.state))
        triggers = Triggers(self.store, self.state, str(self._url("events")))
        self._tasks += [asyncio.create_task(part.run()) for part in (git, triggers, Approvals(self.store))]
        self._closers += [git.stop, triggers.stop]
        for name, made in {
            "api": server(LoopbackHosts(api), tls=(self.certificate.cert, self.certificate.key)),
            "console": server(console, websockets=True, **WEBSOCKETS),
            "git": server(LoopbackHosts(git.app), buffers=lambda scope: not is_push(scope)),
            "events": server(LoopbackHosts(triggers.app)),
        }.items():
            self._servers.append(made)
            self._serving.append(asyncio.create_task(made.serve(sockets=[_listen(name, self.ports[name])])))
        self._servers.append(serve_gateway(self.routes, _listen("gateway", self.ports["gateway"])))

    def _run_controllers(self, launcher: Launcher) -> None:
        self.images = ImageStore(self.state.images)
        images = ImageTable(HostImages(self.images), Path(sys.executable).parent, environment.tools_folder(self.state))
        # Steps have their own /tmp, so folders that they need must be named when they are below /tmp.
        visible = (Path(environment.base(self.state)["UV_CACHE_DIR"]),)
        runtime = ProcessRuntime(self.state, launcher, images, visible)
        replicas = Replicas(self.store, self.state, runtime)
        reconciler = SeldonReconciler(self.store, replicas, self.routes, self._serving_changed)
        self._reconciler = reconciler
        self._closers.append(reconciler.stop)
        seldon = Loop("seldon", self.store, reconciler.reconcile, owns=built_in("SeldonDeployment"))
        replicas.ended = seldon.enqueue
        gateway = self.ports["gateway"]
        monitoring = Monitoring(
            self.store,
            PrometheusFiles(self.state.components / "prometheus"),
            lambda: scraped_pods(reconciler.targets(), gateway),
            self._reload_prometheus,
        )
        self._monitoring = monitoring
        hosts = RouteController(self.store, self.routes, gateway)
        router = Loop("router", self.store, hosts.reconcile, owns=built_in("Route"))
        tekton = run_tekton(self.store, self.state, runtime, environment.of_steps(self.state))
        loops = (seldon, monitoring, router)
        self._tasks += [asyncio.create_task(work) for work in (*(loop.run() for loop in loops), tekton)]

    def _serving_changed(self) -> None:
        if self._monitoring:
            self._monitoring.pods_changed()
        self.report()

    def _reload_prometheus(self) -> bool:
        """Make Prometheus read its files again; False while it starts, when the signal would end it."""
        running = self.components.get("prometheus")
        if running is None:
            return True
        if running.state == "starting":
            return False
        if running.state == "ready" and running.pid is not None:
            os.kill(running.pid, signal.SIGHUP)
        return True

    async def _until_up(self, stop: asyncio.Event) -> None:
        """Wait until every program is ready, missing or has failed, and what was deployed answers again."""
        while not stop.is_set():
            settled = all(r.state in ("ready", "missing", "failed") for r in self.components.values())
            deployed = all(
                (d.get("status") or {}).get("state") != "Creating" or not _has_image(d)
                for d in self.store.list(built_in("SeldonDeployment"))
            )
            if settled and deployed and all(one.started for one in self._servers):
                break
            await asyncio.sleep(0.05)
        if not stop.is_set():
            self.phase = "ready"
            self.report()
            log.info("ready after %.1f s", time.time() - self.started)

    # -- stopping ----------------------------------------------------------------------------------------------

    async def _stop(self) -> None:
        for one in self._servers:
            one.should_exit = True
        # A server that is cancelled while it ends complains in the log; it ends by itself after its grace.
        ending = [asyncio.wait(self._serving, timeout=4)] if self._serving else []
        stopping = [running.stop() for running in self.components.values()]
        await asyncio.gather(*stopping, *ending, return_exceptions=True)
        for task in (tasks := [*self._tasks, *self._serving]):
            task.cancel()
        await asyncio.wait(tasks, timeout=5) if tasks else None
        for close in reversed(self._closers):
            try:
                await asyncio.wait_for(close(), 15)
            except Exception:
                log.exception("while stopping")

    def _page_components(self) -> list[PageComponent]:
        return [
            PageComponent(name, running.state, running.component.url or None, running.pid, message=running.message)
            for name, running in self.components.items()
        ]

    def _url(self, name: str) -> str | None:
        return f"http://127.0.0.1:{self.ports[name]}" if self.ports else None


def write_tools(where: LabPaths) -> None:
    """The commands that the lab's shells and steps find on PATH, where the real ones are not installed."""
    folder = environment.tools_folder(where)
    folder.mkdir(parents=True, exist_ok=True)
    python = shlex.quote(sys.executable)
    modules = {"s2i": "workshop.lab.images.s2i", "buildah": "workshop.lab.images.buildah"}
    for name, module in modules.items():
        _executable(folder / name, f'exec {python} -m {module} "$@"')
    _executable(folder / "workshop", f'exec {python} -m workshop "$@"')
    # A real oc has more verbs than kubectl. This folder is on PATH already where the lab is started from its own shell.
    elsewhere = (part for part in os.environ.get("PATH", "").split(os.pathsep) if part and Path(part) != folder)
    _program(folder / "oc", oc_tool(sys.executable, shutil.which("oc", path=os.pathsep.join(elsewhere))))
    for program in fetched():
        settings = "".join(f"{name}={shlex.quote(value)} " for name, value in program.env.items())
        _executable(folder / program.name, f'{settings}exec {shlex.quote(str(program.path))} "$@"')


def _executable(path: Path, line: str) -> None:
    _program(path, f"#!/bin/sh\n{line}\n")


def _program(path: Path, text: str) -> None:
    partial = path.with_name(f"{path.name}.new")
    partial.write_text(text)
    partial.chmod(0o755)
    partial.replace(path)


def _listen(name: str, port: int) -> socket.socket:
    try:
        return ports.listen(port)
    except OSError as e:
        raise EnvironmentFault(
            f"cannot listen on 127.0.0.1:{port} for {name}: {e.strerror}",
            hint="run the command again: the lab takes another port",
        ) from e


def point_clients(where: LabPaths, server: str, trusted: Certificate, token: str) -> None:
    """Write the kubeconfig, unless its context `lab` is valid: the participant may have changed the project in it."""
    with contextlib.suppress(EnvironmentFault, ManifestError):
        found = configs.find(where.kubeconfig, context="lab")
        if (found.server, found.token) == (server, token):
            return
    kubeconfig(
        where.kubeconfig,
        server=server,
        authority=trusted.authority,
        token=token,
        user=seed.USER,
        namespace=seed.namespace("dev"),
    )


def _check_free_space(where: LabPaths) -> None:
    free = shutil.disk_usage(where.root).free
    if free < MIN_FREE_BYTES:
        raise EnvironmentFault(
            f"{where.root} has {free // 2**20} MiB free; the lab needs {MIN_FREE_BYTES // 2**20} MiB",
            hint="free some space, or set WORKSHOP_STATE to a folder on another disk; then workshop up",
        )


def _has_image(deployment: dict[str, object]) -> bool:
    """Whether a deployment has been given a digest: a bare base waits for a pipeline, not for the lab."""
    return "@sha256:" in str(deployment.get("spec"))


def _closing(close: Callable[[], None]) -> Callable[[], Awaitable[None]]:
    async def closer() -> None:
        close()

    return closer


def _as_fault(error: Exception, where: LabPaths) -> WorkshopError:
    """An error that ended the lab, as one that says what to do."""
    if isinstance(error, WorkshopError):
        return error
    if isinstance(error, OSError):
        return disk_fault(error) or WorkshopError(f"{type(error).__name__}: {error}", hint="workshop logs says more")
    return EnvironmentFault(
        f"the lab's store {where.store} cannot be used: {error}",
        hint="df -h shows whether the disk is full; else restore the file from a copy, or begin afresh: workshop reset",
    )


def main() -> int:
    """Run the lab; the exit code is that of `workshop.errors`."""
    os.umask(0o077)
    raise_open_files()
    where = lab_paths()
    where.make()
    lock = Lock(where)
    if not lock.take():
        sys.stderr.write(f"another lab runs on {where.root}; workshop status shows it\n")
        return EnvironmentFault.exit_code
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    supervisor = Supervisor(where)
    try:
        import uvloop

        uvloop.run(supervisor.run())
    except (WorkshopError, OSError, sqlite3.DatabaseError) as e:
        fault = _as_fault(e, where)
        log.error("%s", fault, exc_info=fault is not e)
        supervisor.phase, supervisor.message = "failed", str(fault)
        # The report itself may not find room; the exit code and the log remain.
        with contextlib.suppress(OSError):
            supervisor.report(exit_code=fault.exit_code)
        return fault.exit_code
    except Exception as e:
        log.exception("the lab stops")
        supervisor.phase, supervisor.message = "failed", f"{type(e).__name__}: {e}"
        supervisor.report(exit_code=1)
        return 1
    supervisor.phase = "stopped"
    supervisor.report()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The faults. A new one is a function in the module of its kind, and one entry here."""

from __future__ import annotations

from tests.soak.faults import absence, clock, disk, hostile, inputs, kills, network, ports
from tests.soak.faults.base import ALL, Fault

FAULTS: dict[str, Fault] = {
    "kill lab": Fault("kill -9 of the supervisor, then workshop up", kills.supervisor, ALL),
    "kill launcher": Fault("kill -9 of the process that started all others", kills.launcher, kills.PROCESSES),
    "kill production": Fault("kill -9 of production's model server", kills.part("production-model"), {"predictions"}),
    "kill staging": Fault("kill -9 of staging's model server", kills.part("staging-model")),
    "kill mlflow": Fault("kill -9 of MLflow", kills.part("mlflow"), {"mlflow runs"}),
    "kill prometheus": Fault("kill -9 of Prometheus", kills.part("prometheus")),
    "kill alertmanager": Fault("kill -9 of Alertmanager", kills.part("alertmanager")),
    "kill jupyterhub": Fault("kill -9 of JupyterHub", kills.part("jupyterhub")),
    "no mlflow": Fault("MLflow is killed whenever it starts", absence.away("mlflow"), {"mlflow runs"}, 20),
    "no prometheus": Fault("Prometheus is killed whenever it starts", absence.away("prometheus"), lasts=20),
    "mlflow hangs": Fault("MLflow answers nothing (SIGSTOP)", absence.hangs("mlflow"), {"mlflow runs"}, 20),
    "prometheus hangs": Fault("Prometheus answers nothing (SIGSTOP)", absence.hangs("prometheus"), lasts=20),
    "full disk": Fault("no byte is left on the lab's disk", disk.full, disk.WRITERS, 10, disk.own),
    "slow disk": Fault("the disk stands still for 0.4 s of every 0.5 s", disk.slow, lasts=15, needs=disk.own),
    "clock forward": Fault("the clock jumps a day ahead, and back", clock.jump(clock.DAY), ALL, 10, clock.compiler),
    "clock back": Fault("the clock jumps an hour back, and forward", clock.jump(-clock.HOUR), ALL, 10, clock.compiler),
    "ports taken": Fault("all ports are taken while the lab is down", ports.taken, ALL),
    "no network": Fault("a start and a pipeline with no network but loopback", network.none, ALL, 0, network.allowed),
    "hostile requests": Fault("malformed and endless requests to every port", hostile.requests),
    "hostile git": Fault("traversal and symbolic links in Git", inputs.git),
    "hostile dvc": Fault("traversal and symbolic links in DVC files", inputs.dvc),
    "hostile image": Fault("traversal and symbolic links in the files of a build", inputs.image),
}
"""In the order of a whole run."""

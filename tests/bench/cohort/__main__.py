"""`python -m tests.bench.cohort --kubeconfig FILE`: a room on a real API server, provisioned twice and removed.

Prints one JSON object. Seconds are by the clock; `cpu` are the seconds of processor time of the command itself, without
the server; `memory` is its largest resident set in MiB. `kubectl` is what one call for each object would take, from a
sample; `times` is how much faster the command was. `load` is the machine's load average before each step: other work
on the machine is in all figures. Deleting namespaces is the work of the cluster's kube-controller-manager, whose
`--kube-api-qps` bounds the time of `teardown`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from tests.kubectl import kustomize
from workshop.cluster.kubectl import kubectl

KIT = Path(__file__).resolve().parents[3]
COHORT = "bench"
SAMPLE = 40


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kubeconfig", required=True, type=Path)
    parser.add_argument("--users", type=int, default=200)
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        room = ["--users", str(words.users), "--prefix", COHORT, "--sheet", f"{folder}/sheet"]
        try:
            first, again = (_run(words.kubeconfig, "provision", *room) for _ in range(2))
        finally:
            gone = _run(words.kubeconfig, "teardown", "--yes", "--timeout", "3600")
        each = _one_by_one(words.kubeconfig, Path(folder))
    objects = first["written"] + first["unchanged"]
    print(
        json.dumps(
            {
                "users": words.users,
                "objects": objects,
                "provision": _figures(first, "written"),
                "again": _figures(again, "written"),
                "teardown": {**_figures(gone), "left": len(gone["left"]), "unseen": len(gone["unseen"])},
                "kubectl": round(each * objects),
                "times": round(each * objects / first["seconds"], 1),
                "processors": os.cpu_count(),
            },
            indent=1,
        )
    )
    return 0


def _run(kubeconfig: Path, action: str, *words: str) -> dict[str, Any]:
    """The last event of a command, and what it used. Raises CalledProcessError."""
    command = [sys.executable, "-m", "workshop", "cohort", action, "--cohort", COHORT, "--kubeconfig", str(kubeconfig)]
    load, began = os.getloadavg()[0], time.perf_counter()
    process = subprocess.Popen([*command, "-o", "json", *words], cwd=KIT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    last = ""
    for line in process.stdout:
        last = line
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return {
        **json.loads(last),
        "seconds": time.perf_counter() - began,
        "cpu": used.ru_utime + used.ru_stime,
        "memory": used.ru_maxrss / 1024,
        "load": load,
    }


def _figures(one: dict[str, Any], *more: str) -> dict[str, Any]:
    found = {name: round(one[name], 1) for name in ("seconds", "cpu", "memory", "load")}
    return {**found, **{name: one[name] for name in more}}


def _one_by_one(kubeconfig: Path, folder: Path) -> float:
    """Seconds of one `kubectl apply` for each of some objects of a participant."""
    command = [kubectl(), "--kubeconfig", str(kubeconfig)]
    file, spaces = folder / "object.yaml", ("user1-dev", "user1-staging", "user1-production")
    objects = kustomize(KIT / "tekton/overlays/cohort")
    kinds = ("ConfigMap", "Role", "RoleBinding", "Secret", "ServiceAccount", "Task")
    spread = [one for one in objects if one["kind"] in kinds][:: max(1, len(objects) // SAMPLE)]
    for name in spaces:
        subprocess.run([*command, "create", "namespace", name], check=True, capture_output=True)
    try:
        began = time.perf_counter()
        for one in spread:
            file.write_text(yaml.safe_dump(one))
            subprocess.run([*command, "apply", "-f", str(file)], check=True, capture_output=True)
        return (time.perf_counter() - began) / len(spread)
    finally:
        subprocess.run([*command, "delete", "namespace", "--wait=false", *spaces], check=True, capture_output=True)


if __name__ == "__main__":
    sys.exit(main())

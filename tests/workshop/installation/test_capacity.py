"""How many participants fit, by the sizes that the kit's own files ask for."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import pytest
import yaml

from workshop.installation.capacity import capacity, requests
from workshop.installation.table import Size, Sizing, sizing, table
from workshop.manifests.quantities import number
from workshop.usecase import KIT

EACH = Sizing(Size(10, 1, 2 * 2**30, 0), Size(5, 1, 2**30, 0), ())


def node(name: str, pods: int = 110, cpu: str = "8", memory: str = "32Gi", **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "spec": spec,
        "status": {"allocatable": {"pods": str(pods), "cpu": cpu, "memory": memory}},
    }


def pod(node_name: str, cpu: str, memory: str, phase: str = "Running") -> dict[str, Any]:
    container = {"resources": {"requests": {"cpu": cpu, "memory": memory}}}
    return {"spec": {"nodeName": node_name, "containers": [container]}, "status": {"phase": phase}}


def test_the_resource_that_ends_first_decides() -> None:
    found = capacity([node("a"), node("b")], [], EACH)
    assert (found.nodes, found.fits, found.bound) == (2, 15, "cpu")
    assert capacity([node("a", pods=35)], [], EACH).bound == "pods"
    assert capacity([node("a", memory="4Gi")], [], EACH).fits == 1


def test_what_runs_is_subtracted_and_what_has_ended_is_not() -> None:
    pods = [pod("a", "1500m", "1Gi"), pod("a", "4", "1Gi", "Succeeded"), pod("elsewhere", "4", "1Gi")]
    found = capacity([node("a")], pods, EACH)
    assert (found.used.pods, found.used.cpu, found.fits) == (1, 1.5, 5)


def test_nodes_that_take_no_pods_do_not_count() -> None:
    tainted = node("master", taints=[{"key": "node-role.kubernetes.io/master", "effect": "NoSchedule"}])
    assert capacity([node("a"), tainted, node("off", unschedulable=True)], [], EACH).nodes == 1


def test_a_full_cluster_is_enough_for_none() -> None:
    assert capacity([node("a")], [pod("a", "9", "1Gi")], EACH).fits == 0


def test_an_init_container_counts_when_it_asks_for_more() -> None:
    one = pod("a", "100m", "1Gi")
    one["spec"]["initContainers"] = [{"resources": {"requests": {"cpu": "1"}}}]
    assert requests(one) == Size(1, 1.0, float(2**30))
    one["spec"]["containers"].append({"resources": {"limits": {"cpu": "2"}}})
    assert requests(one).cpu == 2.1, "a limit without a request is the request"


def test_the_sizes_are_those_of_the_files_that_they_name() -> None:
    lines = {str(one["name"]): one for one in sizing().lines}
    hub = (KIT / "notebooks/openshift/base/jupyterhub_config.py").read_text()
    notebook = lines["notebook server"]
    assert re.search(r"cpu_guarantee, \S+ = ([\d.]+)", hub)[1] == str(number(notebook["cpu"]))  # type: ignore[index]
    assert f'"{notebook["memory"]}"' in hub and f'storage_capacity = "{notebook["storage"]}"' in hub
    limits = yaml.safe_load((KIT / "tekton/participant/bounds/limitrange.yaml").read_text())["spec"]["limits"][0]
    listeners = lines["listeners of pushes, of requests to production and of alerts"]
    there = [*(KIT / "tekton/base/triggers").iterdir(), *(KIT / "tekton/production/triggers").iterdir()]
    assert listeners["pods"] == sum(
        "kind: EventListener" in file.read_text() for file in there if file.suffix == ".yaml"
    )
    for what, each in limits["defaultRequest"].items():
        assert number(listeners[what]) == pytest.approx(listeners["pods"] * number(each)), what
    services = yaml.safe_load((KIT / "tekton/overlays/cohort/services/deployment.yaml").read_text())
    asked = requests(services["spec"]["template"])
    line = lines["MLflow and a DVC remote"]
    assert (number(line["cpu"]), number(line["memory"])) == (asked.cpu, asked.memory)
    readme = (KIT / "seldon/README.md").read_text()
    models = lines["models in staging and production, with a canary"]
    assert f"| one participant | {models['pods']} | {models['cpu']} | {models['memory']} |" in readme
    task = yaml.safe_load((KIT / "tekton/base/tasks/train/train.yaml").read_text())
    step = task["spec"]["stepTemplate"]["computeResources"]["requests"]
    run = lines["a pipeline run, two trainings at the same time"]
    steps = len(task["spec"]["steps"])
    assert (number(run["cpu"]), number(run["memory"])) == (
        2 * steps * number(step["cpu"]),
        2 * steps * number(step["memory"]),
    )


def test_each_part_can_be_installed_or_says_how() -> None:
    known = table()
    names = [part.name for part in known.parts]
    assert len(set(names)) == len(names)
    for part in known.parts:
        assert part.folder or part.elsewhere or part.chart, part.name
        assert not part.folder or (KIT / part.folder / "kustomization.yaml").exists()
        assert part.licence and part.purpose
        assert not part.needs or names.index(part.needs) < names.index(part.name)
        for source in part.builds.values():
            assert (KIT / source).is_dir()


def test_images_of_the_kit_are_in_the_table_with_their_digests() -> None:
    listed = subprocess.run(
        ["git", "-C", str(KIT), "ls-files", "*Containerfile", "*.yaml"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    # OpenShift Pipelines brings its own Tasks to a cluster; the lab has equivalents.
    files = [name for name in listed if not name.startswith(("tests/", "workshop/lab/openshift_tasks/"))]
    used = {found for name in files for found in re.findall(r"[\w./-]+@sha256:[0-9a-f]{64}", (KIT / name).read_text())}
    known = {image.reference for image in table().images if image.digest}
    assert used == known, "workshop cluster mirror prints what parts.yaml lists"

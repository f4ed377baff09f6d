"""Every module of the guide and its check: it fails before, passes after, and fails for a wrong answer.

The commands of the text do a module, so this also tests the text. They run in their order in the lab of the main job.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator

import pytest

from tests.e2e.conftest import KIT, Lab, copy_of_the_main_job, main_job
from tests.kit import until
from workshop.checks import Finding, m03
from workshop.guide.module import load_all
from workshop.lab.paths import LabPaths
from workshop.lab.target import LabTarget
from workshop.operations.participation import Participation, participation

NUMBERS = [module.number for module in load_all(KIT / "workshop" / "modules")]
READ_ONLY = "01"
Undo = Callable[[], object]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab that no other file shares. In CI it is a copy of the one that the README's commands have made."""
    with main_job(copy_of_the_main_job(tmp_path_factory, "guide")) as made:
        yield made


def _way(lab: Lab) -> Participation:
    return participation(LabTarget(LabPaths(lab.state)))


def _left(lab: Lab, number: str) -> list[Finding]:
    way = _way(lab)
    return [finding for finding in way.findings(way.module(number)) if not finding.ok]


def test_a_translated_module_is_executed_from_its_own_text(lab: Lab) -> None:
    # The first test, because the text shows what the main job has deployed and nothing else.
    ran = lab.workshop("tour", "--language", "zh-Hans", READ_ONLY)
    assert "认识实验环境" in ran.stderr and "1 modules in" in ran.stdout
    unknown = lab.workshop("solve", "--language", "tlh", READ_ONLY, check=False)
    assert unknown.returncode == 2 and "the languages are en, zh-Hans" in unknown.stderr


@pytest.mark.parametrize("number", NUMBERS)
def test_the_commands_of_a_module_run_and_its_check_detects_a_wrong_answer(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, number: str
) -> None:
    monkeypatch.setenv("WORKSHOP_STATE", str(lab.state))
    way = _way(lab)
    module = way.module(number)
    assert not way.missing(module), "a module before this one is not done"
    if number != READ_ONLY:
        left = _left(lab, number)
        assert left, "the check is satisfied before anything was done"
        assert all(finding.reason for finding in left)
        assert any(finding.hint for finding in left), left
    result = way.do(module)
    assert result.ok, result.problem
    assert not _left(lab, number)
    if number in MEASURED:
        asked = module.questions[0]
        assert all(value in (asked.answer, *re.findall(r"\d\.\d+", asked.reason)) for value in MEASURED[number](lab))
    if number in WRONG:
        undo = WRONG[number](lab)
        left = _left(lab, number)
        undo()
        assert left, "the check takes a wrong answer"
        assert all(finding.reason for finding in left) and any(finding.hint for finding in left), left
        until(lambda: not _left(lab, number), 60, "right again after the wrong answer")


# -- the numbers of answers, as the lab has measured them


def _late(lab: Lab, stage: str) -> str:
    """The probability that a stage answers to the module's flight."""
    request = (KIT / "seldon" / "requests" / "flight.json").read_bytes()
    status, answer = lab.post(lab.status()["endpoints"][stage], request)
    assert status == 200
    return f"{answer['data']['ndarray'][0][1]:.2f}"


def _at_two_thresholds(lab: Lab) -> list[str]:
    mlflow = _way(lab).context.mlflow
    (run, *_) = mlflow.runs_of_notebook(m03.NOTEBOOK)
    curves = [mlflow.history(run, name) for name in (m03.RECALL, m03.PRECISION)]
    return [f"{curve[percent]:.2f}" for curve in curves for percent in (30, 50)]


def _boosted_on_august(lab: Lab) -> list[str]:
    (run, *_) = _way(lab).context.mlflow.runs("params.candidate = 'boosted' and params.test_month = '8'")
    return [f"{run.metrics['auc']:.3f}"]


MEASURED: dict[str, Callable[[Lab], list[str]]] = {
    "01": lambda lab: [_late(lab, "production")],
    "03": _at_two_thresholds,
    "10": lambda lab: [_late(lab, "staging"), _late(lab, "production")],
    "13": _boosted_on_august,
}
"""For modules whose answers have numbers that only a lab measures: those numbers, as the answer writes them."""


def test_a_model_that_warns_of_everything_gets_past_the_gate_and_is_an_entry_in_the_contest(lab: Lab) -> None:
    file = lab.state / "home" / "mlops-workshop" / "model" / "models" / "serving" / "model.json"
    right = file.read_bytes()
    # DVC's cache may have the same file.
    file.unlink()
    file.write_text(json.dumps({**json.loads(right), "threshold": 0.01}))
    try:
        found = json.loads(lab.workshop("contest", "-o", "json").stdout)
    finally:
        file.write_bytes(right)
    assert found["stopped_by"] == [] and "precision" in found["past"], found
    kept = lab.object("configmap", "workshop-progress", "-n", "user1-dev")["data"]["contest"]
    assert "precision" in json.loads(kept)["past"]


BESIDE = {"14": {"logistic", "boosted"}, "13": {"main"}}
"""What answers production's callers at the start of a module: the A/B test of 13 goes on until 14 ends it."""


def _predictors(lab: Lab) -> set[str]:
    return {each["name"] for each in lab.object("sdep", "flight-delay", "-n", "user1-production")["spec"]["predictors"]}


def test_a_reset_undoes_each_module_and_keeps_the_participants_work(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKSHOP_STATE", str(lab.state))
    made = _git(lab, "rev-parse", "mine")
    for number in reversed(NUMBERS):
        if number == READ_ONLY:
            continue
        assert lab.workshop("reset", number).returncode == 0
        assert _left(lab, number), f"module {number} is still done"
        if number in BESIDE:
            assert _predictors(lab) == BESIDE[number]
    assert _git(lab, "status", "--porcelain") == ""
    assert _git(lab, "branch", "--list", "mine", "cautious", "plane-seats") == ""
    assert _git(lab, "rev-parse", "origin/main") == _git(lab, "rev-list", "--max-parents=0", "main")
    kept = _git(lab, "for-each-ref", "--format=%(refname:short)", "refs/heads/kept").split()
    assert any(made in _git(lab, "rev-list", branch) for branch in kept), "the participant's commits are gone"
    done = lab.workshop("check", "-o", "json").stdout.splitlines()
    assert [json.loads(line)["module"] for line in done if json.loads(line)["done"]] == [READ_ONLY]


def test_start_prepares_a_module_and_does_none_of_it(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKSHOP_STATE", str(lab.state))
    asked = lab.workshop("start", "06", check=False)
    assert asked.returncode == 2 and "module 05 is not done" in asked.stderr
    assert _left(lab, "05"), "start has changed something without --yes"
    lab.workshop("start", "06", "--yes")
    assert not _left(lab, "05")
    assert _left(lab, "06")
    lab.workshop("reset", "05")


# -- wrong answers: each is something that a participant might do, and none of them is the module's work


def _git(lab: Lab, *words: str) -> str:
    clone = lab.state / "home" / "mlops-workshop"
    env = {**lab.env, "HOME": str(lab.state / "home")}
    done = subprocess.run(["git", *words], cwd=clone, env=env, text=True, capture_output=True, check=True)
    return done.stdout.strip()


def _answer(number: str, line: str, wrong: str) -> Callable[[Lab], Undo]:
    def change(lab: Lab) -> Undo:
        file = lab.state / "home" / "mlops-workshop" / "answers" / f"{number}.yaml"
        right = file.read_text()
        assert line in right
        file.write_text(right.replace(line, wrong))
        return lambda: file.write_text(right)

    return change


def _commit(path: str, old: str, new: str) -> Callable[[Lab], Undo]:
    """A commit on `mine` that the check must not take."""

    def change(lab: Lab) -> Undo:
        _git(lab, "switch", "--quiet", "mine")
        file = lab.state / "home" / "mlops-workshop" / path
        right = file.read_text()
        assert old in right
        file.write_text(right.replace(old, new, 1))
        _git(lab, "commit", "--quiet", "--all", "--message", "A mistake")
        return lambda: _git(lab, "reset", "--quiet", "--hard", "HEAD~1")

    return change


def _half_a_month(lab: Lab) -> Undo:
    """The file on disk is not the one that the pointer names."""
    file = lab.state / "home" / "mlops-workshop" / "model" / "data" / "flights-2013-08.csv"
    right = file.read_bytes()
    file.unlink()
    file.write_bytes(right[: len(right) // 2])
    return lambda: file.write_bytes(right)


def _image_of_another_commit(lab: Lab) -> Undo:
    env = {**lab.env, "LAB_IMAGES": str(lab.state / "images")}
    buildah = str(lab.state / "tools" / "buildah")

    def run(*words: str) -> str:
        return subprocess.run([buildah, *words], env=env, text=True, capture_output=True, check=True).stdout

    theirs = next(line.split() for line in run("images").splitlines() if "user1-dev/flight-delay" in line)
    run("tag", "flight-delay:mine", "flight-delay:right")
    run("tag", f"{theirs[0]}:{_git(lab, 'rev-list', '--max-parents=0', 'main')}", "flight-delay:mine")
    return lambda: run("tag", "flight-delay:right", "flight-delay:mine")


def _somebody_elses_push(lab: Lab) -> Undo:
    """The run of module 9 as a push would have started it."""
    runs = lab.object("pipelineruns", "-n", "user1-dev")["items"]
    name = next(
        run["metadata"]["name"]
        for run in runs
        if {"name": "revision", "value": "mine"} in (run["spec"].get("params") or [])
    )
    lab.oc("annotate", "pipelinerun", name, "-n", "user1-dev", "mlops-workshop/pusher=somebody")
    return lambda: lab.oc("annotate", "pipelinerun", name, "-n", "user1-dev", "mlops-workshop/pusher-")


def _other_image(stage: str, source: Callable[[Lab], str]) -> Callable[[Lab], Undo]:
    """A stage serves an image that is not the one the module brought there."""
    path = "/spec/predictors/0/componentSpecs/0/spec/containers/0/image"

    def change(lab: Lab) -> Undo:
        def put(image: str) -> None:
            patch = json.dumps([{"op": "replace", "path": path, "value": image}])
            lab.admin("patch", "sdep", "flight-delay", "-n", f"user1-{stage}", "--type=json", "-p", patch)

        served = lab.object("sdep", "flight-delay", "-n", f"user1-{stage}")["spec"]["predictors"][0]
        right = served["componentSpecs"][0]["spec"]["containers"][0]["image"]
        put(source(lab))
        return lambda: put(right)

    return change


def _main_without_the_run(lab: Lab) -> Undo:
    """The clone's main has lost the commits that the run has pushed."""
    _git(lab, "switch", "--quiet", "main")
    right = _git(lab, "rev-parse", "main")
    _git(lab, "reset", "--quiet", "--hard", "HEAD~2")
    return lambda: _git(lab, "reset", "--quiet", "--hard", right)


def _first_image(lab: Lab) -> str:
    """What the main job has built from the kit as it was found."""
    first = _git(lab, "rev-list", "--max-parents=0", "main")
    for run in lab.object("pipelineruns", "-n", "user1-dev")["items"]:
        results = {r["name"]: r["value"] for r in run["status"].get("results") or []}
        if results.get("commit") == first and "image-url" in results:
            return f"{results['image-url']}@{results['image-digest']}"
    raise AssertionError("the main job's run is gone")


WRONG: dict[str, Callable[[Lab], Undo]] = {
    "02": _answer("02", "worst-hour: 21", "worst-hour: 8"),
    "03": _answer("03", "recall: 0.61", "recall: 0.95"),
    "04": _answer("04", "helps: weather", "helps: plane"),
    "05": _half_a_month,
    "06": _commit("model/params.yaml", "max_iter: 100 ", "max_iter: 101 "),
    "07": _commit("model/params.yaml", "add: []", "add: [dep_delay]"),
    "08": _image_of_another_commit,
    "09": _somebody_elses_push,
    "10": _other_image("staging", _first_image),
    "11": _other_image("production", _first_image),
    "12": _answer("12", "recall: 0.70", "recall: 0.20"),
    "13": _commit("model/params.yaml", "test: 8", "test: 7"),
    "14": _other_image("production", _first_image),
    "15": _answer("15", "feature: origin", "feature: weekday"),
    "16": _main_without_the_run,
    "17": _answer("17", "data: '", "data: '0000000"),
    "18": _answer("18", "explains_most: model", "explains_most: year"),
}
"""For each module an answer that looks like one. Module 1 has its own in tests/workshop/checks/test_m01.py."""


def test_every_check_has_a_wrong_answer() -> None:
    assert sorted([*WRONG, READ_ONLY]) == NUMBERS

"""A participant's progress: verbs and pages write it to a ConfigMap, and what others wrote there is bounded."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.workshop.lab.api.conftest import lab, namespace  # noqa: F401
from tests.workshop.lab.serving import Lab
from workshop.checks import Finding
from workshop.cluster.client import Client
from workshop.participants.progress import (
    LONGEST,
    NAME,
    Progress,
    answers,
    asks_for_help,
    checked,
    entered,
    helped,
    here,
    needs_no_help,
    progress_of,
    remember,
)

NUMBERS = ["01", "02", "03"]


def findings(left: int, tasks: int = 3, task: str = "task") -> list[Finding]:
    return [Finding(f"{task} {at}", at >= left, "seen") for at in range(tasks)]


def after(progress: Progress, *changes: Any) -> Progress:
    """The progress after the changes, each a function of the progress before."""
    data: dict[str, Any] = {}
    for change in changes:
        data |= change(progress)
        kept = {key: value for key, value in data.items() if value is not None}
        progress = progress_of({"data": kept})
    return progress


def test_a_check_that_was_asked_for_says_what_is_left_and_where_the_participant_is() -> None:
    found = after(Progress(), lambda p: checked(p, "02", findings(2), asked=True))
    assert found.module(NUMBERS) == "02"
    record = found.modules["02"]
    assert (record.left, record.tasks, record.failed) == (2, 3, 1) and record.open == ("task 0", "task 1")
    since = found.since("02")
    assert since is not None and time.time() - since < 60


def test_the_last_answer_to_a_question_is_kept_and_one_of_another_form_is_ignored() -> None:
    found = after(
        Progress(),
        lambda p: answers(p, "02", 1, "4"),
        lambda p: answers(p, "02", 2, "0.5"),
        lambda p: answers(p, "02", 1, "3"),
        lambda p: answers(p, "04", 1, "1"),
    )
    assert found.answers_of("02") == {1: "3", 2: "0.5"} and found.answers_of("03") == {}
    assert answers(found, "04", 1, "1") == {}, "the same answer writes nothing"
    assert found.answers["02", 1].first == "4", "a reader who has opened the answer may correct their own"
    wrong = {
        "answer-02-1": '{"given": "%s", "at": 1, "first": "1"}' % ("x" * 21),
        "answer-2-1": "{}",
        "answer-02-10": "{}",
    }
    assert progress_of({"data": wrong}).answers == {}


def test_checks_are_counted_until_the_module_is_done_and_the_next_one_follows() -> None:
    found = after(
        Progress(),
        lambda p: checked(p, "01", findings(1), asked=True),
        lambda p: checked(p, "01", findings(1), asked=True),
        lambda p: checked(p, "01", findings(0), asked=True),
    )
    assert found.modules["01"].failed == 2 and found.modules["01"].done
    assert found.module(NUMBERS) == "02" and found.since("02") == found.modules["01"].at


def test_a_check_that_a_verb_needed_writes_no_module_that_was_not_begun() -> None:
    assert checked(Progress(), "03", findings(1), asked=False) == {}
    found = after(Progress(), lambda p: checked(p, "03", findings(0), asked=False))
    assert found.modules["03"].done and found.modules["03"].failed == 0
    assert checked(found, "03", findings(0), asked=False) == {}, "nothing has changed"


def test_a_verb_that_names_a_module_moves_the_participant_there() -> None:
    found = after(Progress(), lambda p: here(p, "03"))
    assert found.module(NUMBERS) == "03"
    assert here(found, "03") == {}, "the time of the beginning stays"
    done = after(found, *[lambda p, n=n: checked(p, n, findings(0), asked=True) for n in NUMBERS])
    assert done.module(NUMBERS) == ""


def test_rules_that_got_past_the_gate_are_added_up_and_nothing_new_changes_nothing() -> None:
    first = entered(Progress(), ["precision", "auc"])
    before = progress_of({"data": dict(first)})
    assert before.contest and before.contest.past == ("auc", "precision")
    assert entered(before, ["auc"]) == {} and entered(Progress(), []) == {}
    after = progress_of({"data": dict(entered(before, ["recall"]))}).contest
    assert after and after.past == ("auc", "precision", "recall")


def test_a_request_for_help_is_one_short_line_and_can_be_taken_back_or_answered() -> None:
    asked = after(Progress(), lambda p: asks_for_help(p, "02", "why\n\x1b[31m?" + "x" * 1000))
    assert asked.help and asked.help.waits and asked.help.module == "02"
    assert asked.help.text.startswith("why [31m?x") and len(asked.help.text) == LONGEST
    answered = after(asked, lambda p: asks_for_help(p, "02", "why"), helped)
    assert answered.help and not answered.help.waits and answered.help.text == "why"
    assert helped(answered) == {}, "the first time stays"
    assert needs_no_help(asked) == {"help": None} and needs_no_help(Progress()) == {}


@pytest.mark.parametrize(
    "data",
    [
        {"module-02": "{"},
        {"module-02": '{"left": -1, "tasks": 3, "at": 1}'},
        {"module-02": '{"left": 1, "tasks": 3, "at": 1e300}'},
        {"module-02": '{"left": 0, "tasks": 3, "at": 1, "open": ["' + "x" * 121 + '"]}'},
        {"module-02": '{"left": 0, "tasks": 3, "at": 1}' + " " * 5000},
        {"module-2": '{"left": 0, "tasks": 3, "at": 1}'},
        {"here": '{"module": "<b>", "since": 1}'},
        {"help": '{"module": "02", "asked": "now"}'},
        {"help": '{"module": "02", "asked": 1, "text": "' + "x" * (LONGEST + 1) + '"}'},
    ],
)
def test_what_has_another_form_or_is_too_long_is_ignored(data: dict[str, str]) -> None:
    assert progress_of({"data": data}) == Progress()


def test_control_characters_that_somebody_wrote_are_not_read() -> None:
    found = progress_of({"data": {"help": '{"module": "02", "asked": 1, "text": "a\\u001b[2Jb\\u202ec"}'}})
    assert found.help and found.help.text == "a [2Jb c"


def test_the_configmap_is_made_with_the_first_change_and_keeps_other_keys(lab: Lab, namespace: str) -> None:  # noqa: F811
    client = Client.load(lab.state.kubeconfig)
    remember(client, namespace, lambda p: checked(p, "01", findings(0), asked=True))
    remember(client, namespace, lambda p: asks_for_help(p, "02", "how?"))
    before = remember(client, namespace, needs_no_help)
    assert before.help and before.help.text == "how?"
    _, found = lab.ask("GET", f"/api/v1/namespaces/{namespace}/configmaps/{NAME}")
    assert set(found["data"]) == {"module-01"}
    assert found["metadata"]["labels"]["app.kubernetes.io/part-of"] == "mlops-workshop"

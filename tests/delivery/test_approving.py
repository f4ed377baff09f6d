"""A person approves a promotion, unless production's policy, the signed margin and a canary make one unnecessary."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from delivery import provenance
from delivery.approving import BY_POLICY, PERSON, POLICY, approver
from delivery.commands import release as release_command
from delivery.errors import DeliveryError
from delivery.provenance import Statement
from delivery.release import Delivery

from tests.delivery.test_production import made, promoted
from tests.delivery.test_provenance import create, verify  # noqa: F401
from tests.signedruns import pem, run, signed
from tests.workshop.lab.api.conftest import lab, namespace  # noqa: F401
from tests.workshop.lab.serving import Lab

ENVIRONMENT = {POLICY: "0.005", "PROMETHEUS_URL": "http://127.0.0.1:9"}


def statement(margin: str | None) -> Statement:
    """The signed statement of a run whose gate has measured a margin."""
    one = run("retrain-1", 1, pipeline="retrain")
    if margin is not None:
        one["status"]["results"].append({"name": "gate-margin", "value": margin})
    return provenance.statement_of(signed(one), provenance.public_key(pem()))


@pytest.mark.parametrize("margin", ["0.005", "0.02"])
def test_a_margin_that_the_policy_asks_for_needs_no_person(margin: str) -> None:
    who, why = approver(statement(margin), True, ENVIRONMENT)
    assert who == BY_POLICY
    assert why == f"the gate of retrain-1 measured a margin of {margin}, and PROMOTE_ABOVE_MARGIN is 0.005"


@pytest.mark.parametrize(
    ("margin", "previous", "environment", "why"),
    [
        ("0.02", True, {POLICY: ""}, ""),
        ("0.02", True, {}, ""),
        ("0.004", True, ENVIRONMENT, "has measured a margin of 0.004"),
        ("none", True, ENVIRONMENT, "has measured none"),
        (None, True, ENVIRONMENT, "has measured none"),
        ("nan", True, ENVIRONMENT, "has measured none"),
        ("0.02", False, ENVIRONMENT, "no canary can compare"),
        ("0.02", True, {POLICY: "0"}, "no canary can compare"),
    ],
)
def test_everything_else_needs_a_person(
    margin: str | None, previous: bool, environment: dict[str, str], why: str
) -> None:
    who, said = approver(statement(margin), previous, environment)
    assert who == PERSON and (why in said if why else said == "")


def test_without_a_statement_that_was_verified_now_a_person_approves() -> None:
    assert approver(None, True, ENVIRONMENT)[0] == PERSON


@pytest.mark.parametrize("policy", ["yes", "-0.1", "nan", "inf"])
def test_a_policy_that_is_no_number_is_refused(policy: str) -> None:
    with pytest.raises(DeliveryError, match="allowed: a number from 0 on, or nothing, next: the ConfigMap"):
        approver(statement("0.02"), True, {**ENVIRONMENT, POLICY: policy})


def test_what_staging_runs_is_found_with_who_approves_it(
    verify: Callable[..., Any],  # noqa: F811
    delivery: Delivery,
    lab: Lab,  # noqa: F811
    production: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = run("retrain-1", 2, pipeline="retrain", namespace=production)
    one["status"]["results"].append({"name": "gate-margin", "value": "0.02"})
    create(lab, production, signed(one))
    promoted(delivery, 1)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    found = release_command.found(delivery, "2", made(2).image)
    assert found["approval"] == BY_POLICY and "a margin of 0.02" in found["approval-reason"]
    # The same image a second time is not compared again: its statement was verified when it came.
    promoted(delivery, 2)
    delivery.cluster.apply("production", {"main": made(1)})
    assert release_command.found(delivery, "2", made(2).image)["approval"] == PERSON

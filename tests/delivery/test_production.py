"""Overlays are applied as a whole, and every change of production is recorded."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from delivery import cluster, history
from delivery.cluster import Release
from delivery.commands import experiment
from delivery.commands import history as history_command
from delivery.commands import release as release_command
from delivery.errors import DeliveryError
from delivery.history import AB_TEST, CANARY_REFUSED, PROMOTED, ROLLED_BACK, SHADOW, History
from delivery.release import Approval, Delivery, approval

from tests.delivery.conftest import KIT, Recorder
from tests.delivery.test_history import entry


def made(version: int) -> Release:
    return Release(f"registry:5000/user1-dev/flight-delay@sha256:{version:064x}", str(version))


def weights(delivery: Delivery, namespace: str) -> tuple[list[int], list[int]]:
    """The traffic of the predictors, and the weights of the Route."""
    sdep = delivery.cluster.deployment()
    assert sdep is not None
    route = json.loads(cluster.oc("get", "route", delivery.cluster.name, "-n", namespace, "-o", "json"))["spec"]
    backends = [route["to"], *route.get("alternateBackends", [])]
    return [one.get("traffic", 100) for one in sdep["spec"]["predictors"]], [one["weight"] for one in backends]


def changes(delivery: Delivery) -> list[tuple[str, ...]]:
    """The changes of the registry since the last call."""
    assert isinstance(delivery.registry, Recorder)
    found, delivery.registry.changes = delivery.registry.changes, []
    return found


def promoted(delivery: Delivery, *versions: int) -> None:
    """These versions have been promoted one after the other, and the registry's changes are forgotten."""
    for version in versions:
        delivery.cluster.apply("production", {"main": made(version)})
        delivery.promote(made(version), None, run=f"promote-{version}", by="user1")
    changes(delivery)


def test_an_image_with_a_tag_is_named_by_its_digest_alone() -> None:
    release = Release.of("registry:5000/a/flight-delay:main@sha256:12", "1")
    assert (release.repository, release.digest) == ("registry:5000/a/flight-delay", "sha256:12")
    with pytest.raises(DeliveryError, match="allowed: an image by digest"):
        Release.of("registry:5000/a/flight-delay:main", "1")


def test_traffic_and_route_move_together_and_the_champion_keeps_its_pods(delivery: Delivery, production: str) -> None:
    delivery.cluster.apply("production", {"main": made(1)})
    before = delivery.cluster.deployment()
    assert before is not None
    assert delivery.cluster.deployed() == {"main": made(1)}
    assert delivery.cluster.champion() == made(1)
    for share in (0, 10, 100):
        delivery.cluster.apply("canary", {"main": made(1), "canary": made(2)}, (100 - share, share))
        assert delivery.cluster.deployed() == {"main": made(1), "canary": made(2)}
        assert weights(delivery, production) == ([100 - share, share], [100 - share, share])
    during = delivery.cluster.deployment()
    assert during is not None
    main = [{key: value for key, value in one["spec"]["predictors"][0].items() if key != "traffic"}
            for one in (before, during)]  # fmt: skip
    assert main[0] == main[1]
    delivery.cluster.apply("production", {"main": made(2)})
    assert delivery.cluster.deployed() == {"main": made(2)}
    assert weights(delivery, production) == ([100], [100])


def test_every_alert_that_is_deployed_links_to_its_heading_of_the_runbook(
    delivery: Delivery, production: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = "http://127.0.0.1:1/dashboards/runbook"
    monkeypatch.setenv("RUNBOOK_URL", page)
    delivery.cluster.apply("production", {"main": made(1)})
    rules = json.loads(cluster.oc("get", "prometheusrule", "-n", production, "-o", "json"))["items"]
    alerts = [rule for one in rules for group in one["spec"]["groups"] for rule in group["rules"] if "alert" in rule]
    links = {rule["alert"]: rule["annotations"].get("runbook_url") for rule in alerts}
    assert len(alerts) > 10 and links == {name: f"{page}#{name.lower()}" for name in links}
    assert all("runbook" not in rule["annotations"] for rule in alerts)


def test_deploying_after_a_canary_leaves_no_moment_without_a_predictor(
    delivery: Delivery, production: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery.cluster.apply("canary", {"main": made(1), "canary": made(2)}, (0, 100))
    seen = []
    monkeypatch.setattr(
        delivery.cluster,
        "wait",
        lambda *_, **__: seen.append((delivery.cluster.deployed(), weights(delivery, production)[0])),
    )
    delivery.deploy(made(2))
    assert seen == [({"main": made(2), "canary": made(2)}, [50, 50]), ({"main": made(2)}, [100])]


def test_a_release_rolled_back_after_its_canary_is_not_deployed(delivery: Delivery) -> None:
    promoted(delivery, 1, 2)
    delivery.cluster.apply("canary", {"main": made(2), "canary": made(3)}, (0, 100))
    delivery.rollback("1", "it is slow", 10)
    with pytest.raises(DeliveryError, match="changed by somebody else after the canary, and runs main version 1"):
        delivery.deploy(made(3))
    assert delivery.cluster.deployed() == {"main": made(1)}
    assert delivery.restore_production(made(3), made(2), why="", run="", by="").endswith("left as it is")


def test_writers_at_the_same_time_lose_no_entry(production: str) -> None:
    stored = History("flight-delay")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda v: stored.change(lambda old: history.refused(old, entry(v, since=""))), range(1, 5)))
    assert sorted(one.model_version for one in stored.read()) == ["1", "2", "3", "4"]


def test_an_invalid_history_is_an_error_with_its_name(production: str) -> None:
    stored = History("flight-delay")
    cluster.oc("create", "configmap", stored.config_map, "-n", production, "--from-literal", "history.json=nonsense")
    with pytest.raises(DeliveryError, match=r"cannot be read.*next: oc edit configmap flight-delay-history"):
        stored.read()


def test_rolling_back_moves_production_alias_and_history(delivery: Delivery) -> None:
    promoted(delivery, 1, 2, 3)
    delivery.rollback("", "it is slow", 10)
    assert delivery.cluster.deployed() == {"main": made(2)}
    assert changes(delivery) == [("champion", "2", "rolled back from version 3 because it is slow")]
    entries = delivery.history.read()
    assert [(one.model_version, one.cause, one.reason) for one in entries if one.current] == [
        ("2", ROLLED_BACK, "it is slow")
    ]
    assert entries[-2].left == "rolled back to version 2 because it is slow"
    delivery.rollback("1", "", 10)
    assert delivery.cluster.deployed() == {"main": made(1)}
    with pytest.raises(DeliveryError, match="production runs version 1 already"):
        delivery.rollback("1", "", 10)


def test_two_rollbacks_in_a_row_do_not_return_to_the_bad_release(delivery: Delivery) -> None:
    promoted(delivery, 1, 2, 3)
    assert delivery.rollback("", "3 is bad", 10).model_version == "2"
    assert delivery.rollback("", "2 is bad too", 10).model_version == "1"
    with pytest.raises(
        DeliveryError, match=r"no earlier release that was not rolled back, allowed: version 1 .*version 3"
    ):
        delivery.rollback("", "", 10)
    assert delivery.rollback("3", "the drill is over", 10).model_version == "3"


def test_rolling_back_ends_a_test_and_leaves_the_champion(delivery: Delivery) -> None:
    promoted(delivery, 1)
    delivery.cluster.apply("ab-test", {"boosted": made(1), "logistic": made(2)})
    with pytest.raises(DeliveryError, match="a test is under way, next: python -m delivery rollback ends it"):
        delivery.cluster.champion()
    delivery.rollback("", "boosted stays", 10)
    assert delivery.cluster.deployed() == {"main": made(1)}
    assert changes(delivery) == []
    present, test = delivery.history.read()
    assert present.current
    assert (test.model_version, test.since) == ("2", "")
    assert (test.came, test.left) == ("A/B test against version 1", "the test was ended because boosted stays")
    assert (test.cause, test.reason) == (AB_TEST, "boosted stays")


@pytest.mark.parametrize("version", [1, 2], ids=["of the same image", "of another image"])
def test_ending_a_shadow_writes_the_reason_into_the_history(delivery: Delivery, version: int) -> None:
    promoted(delivery, 1)
    delivery.cluster.apply("shadow", {"main": made(1), "shadow": made(version)})
    delivery.rollback("", "I have seen enough", 10)
    assert delivery.cluster.deployed() == {"main": made(1)}
    last = delivery.history.read()[-1]
    assert (last.model_version, last.cause, last.reason) == (str(version), SHADOW, "I have seen enough")


def test_a_rollback_replaces_a_manual_change_by_the_release_of_the_history(delivery: Delivery) -> None:
    promoted(delivery, 1, 2)
    delivery.cluster.apply("production", {"main": made(7)})
    assert delivery.rollback("", "", 10).model_version == "2"
    assert delivery.cluster.deployed() == {"main": made(2)}


def test_an_ab_test_needs_two_candidates_and_no_other_change_in_progress(
    delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(delivery.registry, Recorder)
    delivery.registry.candidates = {"1": "boosted", "2": "logistic", "3": "boosted"}
    monkeypatch.setenv("DELIVERY_COMMAND", "workshop")
    with pytest.raises(DeliveryError, match="production runs nothing, allowed: main alone"):
        experiment.start(delivery, "ab-test", made(2), 10)
    delivery.cluster.apply("production", {"main": made(1)})
    with pytest.raises(DeliveryError, match="both models are boosted"):
        experiment.start(delivery, "ab-test", made(3), 10)
    with pytest.raises(DeliveryError, match="a model is not compared with itself"):
        experiment.start(delivery, "shadow", made(1), 10)
    assert experiment.start(delivery, "ab-test", made(2), 10) == {"boosted": made(1), "logistic": made(2)}
    assert delivery.cluster.deployed() == {"boosted": made(1), "logistic": made(2)}
    with pytest.raises(DeliveryError, match="next: workshop rollback ends what is under way"):
        experiment.start(delivery, "shadow", made(2), 10)


@pytest.mark.parametrize("canary", [True, False], ids=["with its canary still there", "with its digest in production"])
def test_restoring_undoes_what_the_run_made(delivery: Delivery, canary: bool) -> None:
    promoted(delivery, 1)
    if canary:
        delivery.cluster.apply("canary", {"main": made(1), "canary": made(2)}, (50, 50))
    else:
        delivery.cluster.apply("production", {"main": made(2)})
    long_ago = made(9)
    done = delivery.restore_production(made(2), long_ago, why="verification Failed", run="promote-2", by="")
    assert done == f"production runs {made(1).digest} again"
    assert delivery.cluster.deployed() == {"main": made(1)}
    assert changes(delivery) == [("refuse", "2", "verification Failed")]
    last = delivery.history.read()[-1]
    assert last.left == "rolled back because verification Failed"
    assert (last.cause, last.reason) == (CANARY_REFUSED, "verification Failed")


def test_restoring_leaves_what_others_made(delivery: Delivery) -> None:
    promoted(delivery, 3)
    done = delivery.restore_production(made(2), made(1), why="verification Failed", run="promote-2", by="")
    assert done == "production runs nothing of this run: left as it is"
    assert delivery.cluster.deployed() == {"main": made(3)}
    promoted(delivery, 2)
    assert "left as it is" in delivery.restore_production(made(2), made(1), why="", run="promote-2", by="")
    assert delivery.cluster.deployed() == {"main": made(2)}
    assert delivery.history.read()[-1].cause == PROMOTED


@pytest.fixture
def found(delivery: Delivery, production: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], dict[str, str]]:
    """What `release find` gives; one namespace is staging and production."""
    monkeypatch.setenv("STAGING_NAMESPACE", production)
    return lambda version: release_command.found(delivery, version)


def test_no_release_is_found_while_staging_is_not_ready(
    delivery: Delivery, found: Callable[[str], dict[str, str]]
) -> None:
    with pytest.raises(DeliveryError, match="staging has nothing to promote: it runs nothing, next: workshop run"):
        found("")
    delivery.cluster.apply("production", {"main": made(1)})
    with pytest.raises(DeliveryError, match=r"staging has nothing to promote: registry:5000/.* is not ready"):
        found("")


def test_a_version_of_the_history_is_found_for_a_test(
    delivery: Delivery, found: Callable[[str], dict[str, str]]
) -> None:
    promoted(delivery, 1, 2)
    assert found("1") == {
        "image-url": made(1).repository,
        "image-digest": made(1).digest,
        "model-version": "1",
        "previous-image": made(2).image,
        "previous-version": "2",
        "approval": "person",
        "approval-reason": "production has no policy",
    }
    with pytest.raises(DeliveryError, match="--version: got '9', allowed: 1, 2"):
        found("9")
    delivery.cluster.apply("shadow", {"main": made(2), "shadow": made(1)})
    with pytest.raises(
        DeliveryError, match="production runs main and shadow: another promotion or a test is under way"
    ):
        found("1")


# -- the approval


def test_the_history_has_the_approvers_message_as_the_reason(
    delivery: Delivery, production: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("USE_CASE", str(KIT / "model"))
    spec = {"approvers": [{"name": "user1", "type": "User", "input": "pending"}], "numberOfApprovalsRequired": 1}
    task = {
        "apiVersion": "openshift-pipelines.org/v1alpha1",
        "kind": "ApprovalTask",
        "metadata": {"name": f"{production}-approve"},
        "spec": {**spec, "description": ""},
    }
    cluster.oc("create", "--namespace", production, "-f", "-", given=json.dumps(task))
    response = {"name": "user1", "type": "User", "response": "approved", "message": "better on July"}
    status = json.dumps({"status": {"state": "approved", "approversResponse": [response]}})
    change = ("--namespace", production, "--subresource=status", "--type=merge", "-p", status)
    cluster.oc("patch", "approvaltask", f"{production}-approve", *change)
    approved = approval(production)
    assert (approved.by, approved.message) == ("user1", "better on July")
    made_ = delivery.promote(made(2), None, run="promote-2", by=approved.by, reason=approved.message)
    assert (made_.cause, made_.reason, made_.by) == (PROMOTED, "better on July", "user1")
    assert history_command.run(argparse.Namespace(output="text", measures=False)) == 0
    assert "came   promoted: better on July in promote-2, by user1" in capsys.readouterr().out


def test_a_run_without_an_approval_is_promoted_without_a_reason(delivery: Delivery) -> None:
    assert approval("no-such-run") == Approval()
    assert delivery.promote(made(2), None, run="promote-2", by="").came == "promoted"

"""What production runs follows from overlays that are applied whole, and every change of it is written down."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from flights.errors import FlightsError
from flights.promotion import cluster, experiment, history, registry, release, rollback
from flights.promotion.cluster import Release

from tests.promotion.test_history import entry


def made(version: int) -> Release:
    return Release(f"registry:5000/user1-dev/flight-delay@sha256:{version:064x}", str(version))


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What the registry was told."""
    calls: list[tuple[str, ...]] = []
    monkeypatch.setattr(registry, "crown", lambda version, digest, why: calls.append(("crown", version, why)))
    monkeypatch.setattr(registry, "refuse", lambda version, why: calls.append(("refuse", version, why)))
    return calls


def weights(namespace: str) -> tuple[list[int], list[int]]:
    """The traffic of the predictors, and the weights of the Route."""
    sdep = cluster.deployment()
    assert sdep is not None
    route = json.loads(cluster.oc("get", "route", cluster.NAME, "-n", namespace, "-o", "json"))["spec"]
    backends = [route["to"], *route.get("alternateBackends", [])]
    return [one.get("traffic", 100) for one in sdep["spec"]["predictors"]], [one["weight"] for one in backends]


def test_an_image_with_a_tag_is_named_by_its_digest_alone() -> None:
    release = Release.of("registry:5000/a/flight-delay:main@sha256:12", "1")
    assert (release.repository, release.digest) == ("registry:5000/a/flight-delay", "sha256:12")
    with pytest.raises(FlightsError, match="allowed: an image by digest"):
        Release.of("registry:5000/a/flight-delay:main", "1")


def test_traffic_and_route_move_together_and_the_champion_keeps_its_pods(production: str) -> None:
    cluster.apply("production", {"main": made(1)})
    before = cluster.deployment()
    assert before is not None
    assert cluster.deployed() == {"main": made(1)}
    assert cluster.champion() == made(1)
    for share in (0, 10, 100):
        cluster.apply("canary", {"main": made(1), "canary": made(2)}, (100 - share, share))
        assert cluster.deployed() == {"main": made(1), "canary": made(2)}
        assert weights(production) == ([100 - share, share], [100 - share, share])
    during = cluster.deployment()
    assert during is not None
    main = [{key: value for key, value in one["spec"]["predictors"][0].items() if key != "traffic"}
            for one in (before, during)]  # fmt: skip
    assert main[0] == main[1]
    cluster.apply("production", {"main": made(2)})
    assert cluster.deployed() == {"main": made(2)}
    assert weights(production) == ([100], [100])


def test_deploying_after_a_canary_leaves_no_moment_without_a_predictor(
    production: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.apply("canary", {"main": made(1), "canary": made(2)}, (0, 100))
    seen = []
    monkeypatch.setattr(cluster, "wait", lambda *_, **__: seen.append((cluster.deployed(), weights(production)[0])))
    release.deploy(made(2))
    assert seen == [({"main": made(2), "canary": made(2)}, [50, 50]), ({"main": made(2)}, [100])]


def test_what_somebody_rolled_back_after_the_canary_is_not_deployed(
    production: str, told: list[tuple[str, ...]]
) -> None:
    crowned(1)
    crowned(2)
    cluster.apply("canary", {"main": made(2), "canary": made(3)}, (0, 100))
    rollback.rollback("1", "it is slow", 10)
    with pytest.raises(FlightsError, match="changed by somebody else after the canary, and runs main version 1"):
        release.deploy(made(3))
    assert cluster.deployed() == {"main": made(1)}
    assert release.settle(made(3), made(2), why="", run="", by="").endswith("left as it is")


def test_writers_at_the_same_time_lose_no_entry(production: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda v: history.change(lambda old: history.refused(old, entry(v, since=""))), range(1, 5)))
    assert sorted(one.model_version for one in history.read()) == ["1", "2", "3", "4"]


def test_a_history_that_somebody_spoilt_is_named(production: str) -> None:
    cluster.oc("create", "configmap", history.CONFIG_MAP, "-n", production, "--from-literal", "history.json=nonsense")
    with pytest.raises(FlightsError, match=r"cannot be read.*next: oc edit configmap flight-delay-history"):
        history.read()


def crowned(version: int) -> None:
    cluster.apply("production", {"main": made(version)})
    release.crown(made(version), None, came="promoted", run=f"promote-{version}", by="user1")


def test_rolling_back_moves_production_alias_and_history(production: str, told: list[tuple[str, ...]]) -> None:
    for version in (1, 2, 3):
        crowned(version)
    told.clear()
    rollback.rollback("", "it is slow", 10)
    assert cluster.deployed() == {"main": made(2)}
    assert told == [("crown", "2", "rolled back from version 3 because it is slow")]
    entries = history.read()
    assert [one.model_version for one in entries if one.current] == ["2"]
    assert entries[-2].left == "rolled back to version 2 because it is slow"
    rollback.rollback("1", "", 10)
    assert cluster.deployed() == {"main": made(1)}
    with pytest.raises(FlightsError, match="production runs version 1 already"):
        rollback.rollback("1", "", 10)


def test_rolling_back_ends_a_test_and_leaves_the_champion(production: str, told: list[tuple[str, ...]]) -> None:
    crowned(1)
    told.clear()
    cluster.apply("ab-test", {"boosted": made(1), "logistic": made(2)})
    with pytest.raises(FlightsError, match="a test is under way, next: workshop rollback ends it"):
        cluster.champion()
    rollback.rollback("", "boosted stays", 10)
    assert cluster.deployed() == {"main": made(1)}
    assert told == []
    present, test = history.read()
    assert present.current
    assert (test.model_version, test.since) == ("2", "")
    assert (test.came, test.left) == ("A/B test beside version 1", "the test was ended because boosted stays")


def test_what_somebody_applied_by_hand_gives_way_to_what_the_history_has(
    production: str, told: list[tuple[str, ...]]
) -> None:
    for version in (1, 2):
        crowned(version)
    cluster.apply("production", {"main": made(7)})
    assert rollback.rollback("", "", 10).model_version == "2"
    assert cluster.deployed() == {"main": made(2)}


def test_a_test_needs_two_candidates_and_nothing_else_under_way(
    production: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "tags", lambda version: {"candidate": "logistic" if version == "2" else "boosted"})
    with pytest.raises(FlightsError, match="production runs nothing, allowed: main alone"):
        experiment.start("ab-test", made(2), 10)
    cluster.apply("production", {"main": made(1)})
    with pytest.raises(FlightsError, match="both models are boosted"):
        experiment.start("ab-test", made(3), 10)
    assert experiment.start("ab-test", made(2), 10) == {"boosted": made(1), "logistic": made(2)}
    assert cluster.deployed() == {"boosted": made(1), "logistic": made(2)}
    with pytest.raises(FlightsError, match="workshop rollback ends what is under way"):
        experiment.start("shadow", made(2), 10)


@pytest.mark.parametrize("canary", [True, False], ids=["with its canary still there", "with its digest in production"])
def test_settling_undoes_what_the_run_made(production: str, told: list[tuple[str, ...]], canary: bool) -> None:
    crowned(1)
    told.clear()
    if canary:
        cluster.apply("canary", {"main": made(1), "canary": made(2)}, (50, 50))
    else:
        cluster.apply("production", {"main": made(2)})
    long_ago = made(9)
    said = release.settle(made(2), long_ago, why="verification Failed", run="promote-2", by="")
    assert said == f"production runs {made(1).digest} again"
    assert cluster.deployed() == {"main": made(1)}
    assert told == [("refuse", "2", "verification Failed")]
    assert history.read()[-1].left == "rolled back because verification Failed"


def test_settling_leaves_what_others_made(production: str, told: list[tuple[str, ...]]) -> None:
    crowned(3)
    told.clear()
    said = release.settle(made(2), made(1), why="verification Failed", run="promote-2", by="")
    assert said == "production runs nothing of this run: left as it is"
    assert cluster.deployed() == {"main": made(3)}
    crowned(2)
    assert "left as it is" in release.settle(made(2), made(1), why="record Failed", run="promote-2", by="")
    assert cluster.deployed() == {"main": made(2)}

"""Feedback that names its prediction counts once in a replica; what it remembers has a fixed size."""

from __future__ import annotations

import random
import threading
from typing import Any

import pytest
from modelserver.reported import TABLE_BYTES, key_of
from modelserver.shared import BLOCK_BYTES, Shared

from tests.s2i.conftest import GOOD, Server, Start

COUNTED, AGAIN = "seldon_api_model_feedback_total", "model_server_feedback_duplicates_total"
FEEDBACK = "/api/v1.0/feedback"


def about(puid: str, **parts: Any) -> dict[str, Any]:
    given = {"request": GOOD, "reward": 1, "truth": {"data": {"ndarray": [[1]]}}, **parts}
    return {"response": {"meta": {"puid": puid}}, **{key: value for key, value in given.items() if value is not None}}


@pytest.fixture
def fresh(started: Start) -> Server:
    return started("Late", shared=False)


def test_the_same_feedback_sent_again_counts_once_and_is_shown_as_a_duplicate(fresh: Server) -> None:
    assert fresh.sample(AGAIN) == 0
    first, again = (fresh.post(about("a" * 32), path) for path in (FEEDBACK, "/send-feedback"))
    assert first.status == again.status == 200
    assert "duplicate" not in str(first.json) and again.json["meta"]["tags"] == {"duplicate": True}
    assert (fresh.sample(COUNTED), fresh.sample(AGAIN)) == (1, 1)
    assert fresh.sample("seldon_api_model_feedback_reward_total") == 1


def test_other_rows_of_a_prediction_and_its_reward_before_its_truth_are_other_feedback(fresh: Server) -> None:
    rows = {"data": {**GOOD["data"], "ndarray": [["DL", 9, 100, None]]}}
    for body in (
        about("b" * 32),
        about("b" * 32, request=rows),
        about("c" * 32, truth=None),
        about("c" * 32, reward=None),
    ):
        assert fresh.post(body, FEEDBACK).status == 200
    assert (fresh.sample(COUNTED), fresh.sample(AGAIN)) == (4, 0)


def test_feedback_that_names_no_prediction_always_counts(fresh: Server) -> None:
    unnamed: list[dict[str, Any]] = [{}, {"meta": {}}, {"meta": {"puid": ""}}]
    for response in unnamed:
        for _ in range(2):
            assert fresh.post({"request": GOOD, "reward": 1, "response": response}, FEEDBACK).status == 200
    assert (fresh.sample(COUNTED), fresh.sample(AGAIN)) == (6, 0)


def test_feedback_that_failed_may_come_again(fresh: Server) -> None:
    fails = {"data": {**GOOD["data"], "ndarray": [["UA", 12, 4242, None]]}}
    assert [fresh.post(about("d" * 32, request=fails), FEEDBACK).status for _ in range(2)] == [500, 500]
    assert (fresh.sample(COUNTED), fresh.sample(AGAIN)) == (0, 0)


def test_workers_remember_together_and_one_of_them_counts_it() -> None:
    shared = Shared.make(2)
    workers = [shared.reported, Shared(shared.fd, 2).reported]
    key = key_of("e", "truth", b"[]")
    assert [one.claim(key) for one in workers] == [True, False]
    workers[1].release(key)
    claimed = []
    threads = [threading.Thread(target=lambda one=one: claimed.append(one.claim(key))) for one in workers * 8]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == [False] * 15 + [True]


def test_the_memory_does_not_grow_and_forgets_the_oldest() -> None:
    shared, chance = Shared.make(1), random.Random(1)
    keys = [chance.getrandbits(64) for _ in range(120_000)]
    for key in keys:
        assert shared.reported.claim(key)
    remembered = sum(not shared.reported.claim(key) for key in keys[-20_000:][::-1])
    assert remembered >= 19_990
    assert sum(not shared.reported.claim(key) for key in keys[:1000]) < 10
    assert TABLE_BYTES == 512 * 1024 and BLOCK_BYTES % 8 == 0

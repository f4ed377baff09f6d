"""The delivery measures of known histories: what counts as a change and as a failure, and what is left out."""

from __future__ import annotations

import pytest
from delivery.history import AB_TEST, BEFORE, CANARY_REFUSED, KEPT, PROMOTED, ROLLED_BACK, SHADOW, Entry
from delivery.measures import DAY, duration, lines, measured

NOW = "2026-01-11T00:00:00Z"
HOUR = 3600.0


def entry(version: int, since: str, cause: str = PROMOTED, **more: str) -> Entry:
    values = {
        "image": f"registry/flight-delay@sha256:{version:064x}", "digest": f"sha256:{version:064x}",
        "model_version": str(version), "git_commit": f"{version:040x}", "data_version": "d" * 12, "run": "", "by": "",
        "came": cause, "since": since, "cause": cause,
    }  # fmt: skip
    return Entry(**(values | more))


def test_lead_time_is_the_median_from_commit_to_promotion() -> None:
    found = measured(
        [
            entry(1, "2026-01-01T03:00:00Z", committed_at="2026-01-01T00:00:00Z"),
            entry(2, "2026-01-02T01:00:00Z", committed_at="2026-01-02T00:00:00Z"),
            entry(3, "2026-01-03T09:00:00Z", committed_at="2026-01-03T00:00:00Z"),
        ],
        NOW,
    )
    assert (found.lead_time, found.lead_times, found.unknown_lead_times) == (3 * HOUR, 3, 0)


def test_an_unknown_time_of_a_commit_is_not_counted_and_said() -> None:
    entries = [entry(1, "2026-01-01T03:00:00Z", committed_at="2026-01-01T00:00:00Z"), entry(2, "2026-01-02T00:00:00Z")]
    found = measured(entries, NOW)
    assert (found.lead_time, found.lead_times, found.unknown_lead_times) == (3 * HOUR, 1, 1)
    assert "1 promotion, and 1 not counted, of a commit whose time is not known" in [line[2] for line in lines(found)]


def test_a_commit_after_its_promotion_is_clock_skew_and_not_a_negative_time() -> None:
    found = measured([entry(1, "2026-01-01T00:00:00Z", committed_at="2026-01-01T00:05:00Z")], NOW)
    assert (found.lead_time, found.unknown_lead_times) == (None, 1)


def test_a_commit_that_is_promoted_again_is_timed_once() -> None:
    known = {"git_commit": "c" * 40, "committed_at": "2026-01-01T00:00:00Z"}
    found = measured([entry(1, "2026-01-01T02:00:00Z", **known), entry(2, "2026-01-09T00:00:00Z", **known)], NOW)
    assert (found.lead_time, found.lead_times, found.promotions) == (2 * HOUR, 1, 2)


def test_frequency_is_promotions_a_day_from_the_first_to_now() -> None:
    found = measured([entry(version, f"2026-01-{version:02}T00:00:00Z") for version in range(1, 6)], NOW)
    assert found.frequency == pytest.approx(0.5)


def test_less_than_a_day_has_no_rate() -> None:
    found = measured([entry(1, "2026-01-10T20:00:00Z")], NOW)
    assert (found.promotions, found.frequency) == (1, None)
    assert "1 in less than a day" in [line[1] for line in lines(found)]


def test_a_promotion_that_a_rollback_ended_is_a_failure_and_timed_until_the_rollback() -> None:
    back = entry(1, "2026-01-02T00:30:00Z", ROLLED_BACK)
    found = measured([entry(1, "2026-01-01T00:00:00Z"), entry(2, "2026-01-02T00:00:00Z"), back], NOW)
    assert (found.changes, found.failures, found.failure_rate) == (2, 1, 0.5)
    assert (found.restore_time, found.restore_times) == (HOUR / 2, 1)


def test_a_second_rollback_in_a_row_is_no_second_failure() -> None:
    entries = [
        entry(1, "2026-01-01T00:00:00Z"), entry(2, "2026-01-02T00:00:00Z"), entry(3, "2026-01-03T00:00:00Z"),
        entry(2, "2026-01-03T01:00:00Z", ROLLED_BACK), entry(1, "2026-01-03T02:00:00Z", ROLLED_BACK),
    ]  # fmt: skip
    assert measured(entries, NOW).failures == 1


def test_a_refused_canary_is_a_failed_change_whose_start_is_not_known() -> None:
    canary = entry(2, "", CANARY_REFUSED, until="2026-01-02T00:00:00Z")
    found = measured([entry(1, "2026-01-01T00:00:00Z"), canary], NOW)
    assert (found.changes, found.failures, found.promotions) == (2, 1, 1)
    assert (found.restore_time, found.unknown_restore_times) == (None, 1)


@pytest.mark.parametrize("cause", [AB_TEST, SHADOW])
def test_a_test_is_no_change(cause: str) -> None:
    test = entry(2, "", cause, until="2026-01-02T00:00:00Z")
    found = measured([entry(1, "2026-01-01T00:00:00Z"), test], NOW)
    assert (found.changes, found.failures) == (1, 0)


def test_what_ran_before_the_history_is_no_change_and_its_rollback_no_failure() -> None:
    before = entry(1, "2025-12-01T00:00:00Z", came=BEFORE)
    found = measured([before, entry(2, "2026-01-01T00:00:00Z"), entry(1, "2026-01-02T00:00:00Z", ROLLED_BACK)], NOW)
    assert (found.changes, found.failures, found.since) == (1, 1, "2026-01-01T00:00:00Z")


def test_a_history_that_may_have_lost_entries_says_so() -> None:
    entries = [entry(version, "2026-01-01T00:00:00Z") for version in range(KEPT)]
    assert measured(entries, NOW).truncated
    assert not measured(entries[1:], NOW).truncated


def test_an_empty_history_has_no_measure() -> None:
    found = measured([], NOW)
    assert (found.since, found.lead_time, found.frequency, found.failure_rate, found.restore_time) == ("", *[None] * 4)
    assert [line[1] for line in lines(found)] == ["unknown", "none yet", "unknown", "no failure yet"]


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01T00:00:00Z"])
def test_a_time_that_cannot_be_read_is_unknown(text: str) -> None:
    found = measured([entry(1, "2026-01-01T00:00:00Z", committed_at=text)], NOW)
    assert (found.lead_times, found.unknown_lead_times) == (0, 1)


def test_a_duration_has_its_two_largest_units() -> None:
    assert [duration(seconds) for seconds in (0, 59, 61, 3 * HOUR, 2 * DAY + 3 * HOUR + 5, None)] == [
        "0 s", "59 s", "1 min 1 s", "3 h", "2 d 3 h", "unknown",
    ]  # fmt: skip


def test_a_rollback_from_what_ran_before_the_history_is_no_failure_of_a_counted_change() -> None:
    entries = [entry(1, "2026-01-01T00:00:00Z", came=BEFORE), entry(2, "2026-01-02T00:00:00Z", ROLLED_BACK)]
    found = measured(entries, NOW)
    assert (found.changes, found.failures, found.restore_times) == (0, 0, 0)

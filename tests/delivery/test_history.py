"""The history records the releases of production, loses no entry of concurrent writers, and has a bounded size."""

from __future__ import annotations

from dataclasses import replace

import pytest
from delivery.errors import DeliveryError
from delivery.history import KEPT, Entry, entered, find, refused, with_initial


def entry(version: int, **more: str) -> Entry:
    digest = f"sha256:{version:064x}"
    values = {
        "image": f"registry/flight-delay@{digest}", "digest": digest, "model_version": str(version),
        "git_commit": "c" * 40, "data_version": "d" * 12, "run": f"promote-{version}", "by": "user1",
        "came": f"promoted by promote-{version}", "since": f"2026-01-01T00:00:{version % 60:02d}Z",
    } | more  # fmt: skip
    return Entry(**values)


def test_a_new_release_ends_the_previous_one() -> None:
    entries = entered(entered([], entry(1)), entry(2))
    assert [one.current for one in entries] == [False, True]
    assert (entries[0].until, entries[0].left) == (entry(2).since, "replaced by version 2")


def test_a_rollback_records_the_reason() -> None:
    back = entry(1, since="2026-01-02T00:00:00Z", came="rolled back from version 2 because it is slow")
    entries = entered(entered(entered([], entry(1)), entry(2)), back, "rolled back to version 1 because it is slow")
    assert entries[1].left == "rolled back to version 1 because it is slow"
    assert [one.model_version for one in entries if one.current] == ["1"]


def test_a_retried_writer_writes_nothing_twice() -> None:
    once = entered([], entry(1))
    assert entered(once, entry(1, since="2026-01-03T00:00:00Z")) == once
    canary = entry(2, since="", until="2026-01-02T00:00:00Z", left="rolled back because errors")
    assert refused(refused(once, canary), canary) == refused(once, canary)


def test_a_refused_canary_leaves_production_as_it_is() -> None:
    entries = refused(entered([], entry(1)), entry(2, since="", left="rolled back because errors"))
    assert [one.current for one in entries] == [True, False]


def test_the_newest_are_kept_and_the_present_one_always() -> None:
    entries = entered([], entry(1))
    for version in range(2, KEPT + 20):
        entries = refused(entries, entry(version, since="", left="rolled back"))
    assert len(entries) == KEPT
    assert entries[0] == entry(1)
    assert entries[-1].model_version == str(KEPT + 19)


def test_a_release_from_before_the_history_can_be_restored() -> None:
    entries = entered(with_initial([], entry(1)), entry(2))
    assert find(entries, "").model_version == "1"
    assert with_initial(entries, entry(7)) == entries


def test_without_a_name_the_previous_release_is_chosen() -> None:
    entries = entered(entered(entered([], entry(1)), entry(2)), entry(3))
    assert find(entries, "").model_version == "2"
    back = entered(entries, entry(2, since="2026-02-01T00:00:00Z", came="rolled back from version 3"))
    assert find(back, "").model_version == "3"


@pytest.mark.parametrize("wanted", ["1", "v1", f"sha256:{1:064x}", "0" * 60])
def test_versions_and_digests_name_releases(wanted: str) -> None:
    entries = entered(entered([], entry(1)), entry(2**60))
    assert find(entries, wanted).model_version == "1"


def test_a_refused_canary_is_no_target_of_a_rollback() -> None:
    entries = refused(entered([], entry(1)), entry(2, since="", left="rolled back because errors"))
    with pytest.raises(
        DeliveryError, match=r"production never ran '2', allowed: version 1 .* next: python -m delivery history"
    ):
        find(entries, "2")


def test_a_rollback_without_a_previous_release_is_an_error() -> None:
    for entries in ([], entered([], entry(1))):
        with pytest.raises(DeliveryError, match="there is no earlier release that was not rolled back"):
            find(entries, "")


def test_the_same_version_with_another_image_is_another_release() -> None:
    rebuilt = replace(entry(1), digest="sha256:" + "f" * 64, since="2026-01-05T00:00:00Z")
    entries = entered(entered([], entry(1)), rebuilt)
    assert [one.current for one in entries] == [False, True]

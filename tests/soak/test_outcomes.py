"""What counts as survived, what the table shows, and that nothing acknowledged is lost unnoticed."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.soak.faults import FAULTS
from tests.soak.faults.base import ALL
from tests.soak.lab import Lab
from tests.soak.load import Objects
from tests.soak.outcomes import Outcome, Tally, exit_code, merged, table, total, unexpected


def test_a_failure_before_or_after_a_fault_is_a_problem_and_during_it_only_where_it_may_not_be() -> None:
    tallies = {"pages": Tally(5, 2, Counter({"500": 2})), "objects": Tally(7)}
    assert unexpected("after the fault", tallies) == ["after the fault: 2 of 7 pages failed; 2 x 500"]
    assert unexpected("during the fault", tallies, {"pages"}) == []
    assert total([tallies, tallies]) == (24, 4)


def test_a_problem_of_one_fault_fails_the_soak_and_so_does_a_soak_that_tried_nothing() -> None:
    survived, failed = Outcome("a", healthy_seconds=1.0), Outcome("b", problems=("lost",))
    skipped = Outcome("c", skipped="needs root")
    assert [exit_code(one) for one in ([survived], [survived, skipped], [survived, failed], [skipped])] == [0, 0, 1, 1]


def test_the_table_has_a_line_for_each_fault_with_its_verdict() -> None:
    text = table(
        [
            Outcome("a", 1200, 3, 10, 12, 1.24, 5 * 2**20, load=2.04),
            Outcome("b", problems=("x",)),
            Outcome("c", skipped="no root"),
        ]
    )
    assert "| a | 1,200 | 3 | 10 | 12 | 1.2 s | +5 MiB | 2.0 | survived |" in text
    assert "| b | 0 | 0 | 0 | 0 | never | +0 MiB | 0.0 | FAILED |" in text
    assert "| c | | | | | | | | skipped: no root |" in text


def test_the_page_keeps_the_lines_of_faults_that_were_not_made_again() -> None:
    old = table([Outcome("a", 1), Outcome("b", 1), Outcome("gone", 1)])
    text = merged(f"text\n\n{old}\nmore\n", [Outcome("b", 2)], ["new", "a", "b"])
    assert text == table([Outcome("a", 1), Outcome("b", 2)])


def test_every_fault_names_loads_that_exist() -> None:
    assert all(fault.may_fail <= ALL for fault in FAULTS.values())


class Server:
    """The client of an API that keeps ConfigMaps; it can forget one or take a request without an answer."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}
        self.silent = False

    def create(self, obj: Any) -> None:
        self.kept[obj["metadata"]["name"]] = obj
        if self.silent:
            raise OSError("connection lost")

    update = create

    def delete(self, kind: str, namespace: str, name: str) -> None:
        del self.kept[name]

    def list(self, kind: str, namespace: str, labels: Any) -> list[Any]:
        return list(self.kept.values())


@pytest.fixture
def objects(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> tuple[Objects, Server]:
    server = Server()
    monkeypatch.setattr(Objects, "client", server)
    return Objects(Lab(tmp_path)), server


def test_an_object_that_was_acknowledged_and_is_gone_or_changed_is_lost(objects: tuple[Objects, Server]) -> None:
    sender, server = objects
    for _ in range(200):
        sender.send()
    assert sender.count == len(server.kept) > 10
    assert sender.lost() == []
    gone, changed = list(server.kept)[:2]
    del server.kept[gone]
    server.kept[changed] = {**server.kept[changed], "data": {"value": "other"}}
    assert len(sender.lost()) == 2


def test_a_request_without_an_answer_may_have_been_carried_out(objects: tuple[Objects, Server]) -> None:
    sender, server = objects
    server.silent = True
    with pytest.raises(OSError, match="connection lost"):
        sender.send()
    assert (sender.lost(), sender.count) == ([], 1)

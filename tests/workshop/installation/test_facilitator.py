"""The facilitator's guide: its commands exist, and its sizes are those of the table."""

from __future__ import annotations

import re
import shlex

import pytest

from workshop.cli import parser
from workshop.installation.table import sizing
from workshop.usecase import KIT

TEXT = (KIT / "workshop/FACILITATOR.md").read_text()
COMMANDS = [line.partition("#")[0].strip() for line in TEXT.splitlines() if line.startswith("    workshop ")]
ROWS = re.findall(r"^\| (\d+) \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) GiB \| ([\d,]+) GiB \|$", TEXT, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_guide_is_understood(command: str) -> None:
    words = parser().parse_args(shlex.split(command)[1:])
    assert words.verb in ("cluster", "cohort", "links", "up")


def test_the_guide_has_the_commands_of_a_whole_day() -> None:
    assert {tuple(command.split()[1:3]) for command in COMMANDS} == {
        ("cluster", "preflight"),
        ("cluster", "install"),
        ("cluster", "verify"),
        ("cluster", "uninstall"),
        ("cohort", "helped"),
        ("cohort", "provision"),
        ("cohort", "rehearse"),
        ("cohort", "status"),
        ("cohort", "teardown"),
        ("links",),
        ("up", "--users"),
    }


def test_the_sizes_are_those_of_the_table() -> None:
    each = sizing().participant
    assert [int(row[0]) for row in ROWS] == [10, 30, 100]
    for row in ROWS:
        count, *shown = (int(cell.replace(",", "")) for cell in row)
        exact = (each.pods, each.cpu, each.memory / 2**30, each.storage / 2**30)
        assert shown == [round(count * one) for one in exact]

"""The exit codes are a contract."""

from __future__ import annotations

import errno
import os

import pytest

from workshop import errors
from workshop.cli import main


def test_each_error_has_its_exit_code() -> None:
    codes = {
        kind.__name__: kind.exit_code
        for kind in (
            errors.WorkshopError,
            errors.UsageError,
            errors.SetupError,
            errors.ManifestError,
            errors.RunFailed,
            errors.TimedOut,
        )
    }
    assert codes == {
        "WorkshopError": 1,
        "UsageError": 2,
        "SetupError": 3,
        "ManifestError": 4,
        "RunFailed": 5,
        "TimedOut": 6,
    }
    assert errors.INTERRUPTED == 130


def test_a_wrong_word_is_a_usage_error_with_the_next_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stattus"]) == 2
    printed = capsys.readouterr().err
    assert "stattus" in printed
    assert "workshop --help lists what is allowed" in printed


def test_no_verb_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "doctor" in capsys.readouterr().out


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_an_error_of_the_disk_is_no_fault_of_the_kit(
    number: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def down(_: object) -> int:
        raise OSError(number, os.strerror(number), "/lab/run/lock")

    monkeypatch.setattr("workshop.commands.down.down", down)
    assert main(["down"]) == 3
    printed = capsys.readouterr().err
    assert f"at /lab/run/lock: {os.strerror(number)}" in printed and "fault of the kit" not in printed

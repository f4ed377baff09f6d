"""The exit codes are a contract."""

from __future__ import annotations

import pytest

from workshop import errors
from workshop.cli import main


def test_each_error_has_its_exit_code() -> None:
    codes = {
        kind.__name__: kind.exit_code
        for kind in (
            errors.WorkshopError,
            errors.UsageError,
            errors.EnvironmentFault,
            errors.ManifestError,
            errors.RunFailed,
            errors.TimedOut,
        )
    }
    assert codes == {
        "WorkshopError": 1,
        "UsageError": 2,
        "EnvironmentFault": 3,
        "ManifestError": 4,
        "RunFailed": 5,
        "TimedOut": 6,
    }
    assert errors.INTERRUPTED == 130


def test_a_wrong_word_is_a_usage_error_with_the_next_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stattus"]) == 2
    printed = capsys.readouterr().err
    assert "stattus" in printed
    assert "workshop --help says what is allowed" in printed


def test_no_verb_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "doctor" in capsys.readouterr().out

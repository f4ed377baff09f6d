"""A drill injects its failure, something catches it, and --stop leaves nothing of it."""

from __future__ import annotations

import json

from tests.e2e.conftest import Lab


def _branches(lab: Lab) -> str:
    return lab.workshop("shell", "git", "ls-remote", "--heads", "origin").stdout


def _caught(lab: Lab, name: str) -> dict[str, str]:
    done = lab.workshop("drill", name, "--timeout", "180", "-o", "json")
    found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_bad_data_is_refused_with_its_file_row_and_column(lab: Lab) -> None:
    before, files = _branches(lab), lab.workshop("shell", "git", "status", "--porcelain").stdout
    found = _caught(lab, "bad-data")
    assert found["caught_by"] == "Task fetch-data"
    assert "data/flights-2013-07.csv:4322: distance: range: got '-1'" in found["evidence"]
    assert "drill/bad-data" in _branches(lab)
    stopped = lab.workshop("drill", "bad-data", "--stop").stdout
    assert stopped == "deleted the branch drill/bad-data\n"
    assert _branches(lab) == before
    assert lab.workshop("shell", "git", "status", "--porcelain").stdout == files
    assert lab.workshop("drill", "bad-data", "--stop").stdout == "nothing was left of this drill\n"


def test_a_change_of_the_callers_schema_fires_an_alert(lab: Lab) -> None:
    found = _caught(lab, "schema-change")
    assert found["caught_by"] == "alert FeatureRefused"
    again = lab.workshop("drill", "schema-change", check=False)
    assert again.returncode == 3 and "FeatureRefused fires already" in again.stderr

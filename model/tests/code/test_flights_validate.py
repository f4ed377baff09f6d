"""Every fault of bad data has file, line, column and rule; a good file passes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from flights.schema import NAMES
from flights.validate import SHOWN, check_file, main, report

GOOD = {
    "date": "2013-07-01", "flight": "15", "weekday": "1", "sched_dep": "600", "sched_arr": "700", "carrier": "UA",
    "origin": "EWR", "dest": "IAH", "distance": "1400", "plane_age": "", "seats": "150", "temp": "75.02",
    "dewp": "71.06", "humid": "87.50", "wind_dir": "140", "wind_speed": "4.60", "precip": "0.00",
    "pressure": "1013.3", "visib": "10.00", "dep_delay": "-1", "late": "0",
}  # fmt: skip


def month(changes: dict[int, dict[str, str]] | None = None) -> list[str]:
    """A July with three flights a day; `changes` are by line number."""
    lines = [",".join(NAMES)]
    for day in range(1, 32):
        for flight in range(1, 4):
            base = {
                "date": f"2013-07-{day:02d}",
                "weekday": str(day % 7 or 7),
                "flight": str(flight),
                # One in six has no plane: allowed, as a rate.
                "plane_age": "" if day % 2 and flight == 1 else "7",
            }
            row = GOOD | base | (changes or {}).get(len(lines) + 1, {})
            lines.append(",".join(row.values()))
    return lines


def write(folder: Path, lines: list[str], end: str = "\n") -> Path:
    file = folder / "flights-2013-07.csv"
    file.write_text("\n".join(lines) + end)
    return file


def findings(file: Path) -> list[str]:
    return [str(finding).replace(f"{file.parent}/", "") for finding in check_file(file).findings]


def test_good_month_has_no_finding(tmp_path: Path) -> None:
    assert findings(write(tmp_path, month())) == []


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("origin", "ZZZ", "origin: value: got 'ZZZ', allowed: one of EWR, JFK, LGA"),
        ("weekday", "eight", "weekday: type: got 'eight', allowed: an integer from 1 to 7"),
        ("seats", "12.5", "seats: type: got '12.5', allowed: an integer from 1 to 600 or nothing"),
        ("temp", "500", "temp: range: got '500', allowed: a number from -40 to 130 F or nothing"),
        ("temp", "nan", "temp: range: got 'nan', allowed: a number from -40 to 130 F or nothing"),
        ("sched_dep", "", "sched_dep: missing: got nothing, allowed: an integer from 0 to 1439 min"),
        ("date", "1.7.2013", "date: type: got '1.7.2013', allowed: a date like 2013-07-31"),
        ("date", "2013-06-03", "date: month: got '2013-06-03', allowed: days of 2013-07, as the file's name says"),
    ],
)
def test_bad_value_is_named_by_line_and_column(tmp_path: Path, column: str, value: str, message: str) -> None:
    assert f"flights-2013-07.csv:12: {message}" in findings(write(tmp_path, month({12: {column: value}})))


def test_weekday_that_does_not_fit_its_date_is_found(tmp_path: Path) -> None:
    message = "flights-2013-07.csv:2: weekday: calendar: got '3', allowed: 1 for 2013-07-01"
    assert findings(write(tmp_path, month({2: {"weekday": "3"}}))) == [message]


def test_all_findings_come_in_line_order(tmp_path: Path) -> None:
    found = findings(write(tmp_path, month({30: {"dest": "??"}, 5: {"visib": "x"}, 17: {"carrier": ""}})))
    assert [line.split(":")[1] for line in found] == ["5", "17", "30"]


def test_flight_that_comes_twice_is_found(tmp_path: Path) -> None:
    lines = month()
    message = "flights-2013-07.csv:4: flight: twice: got the flight of line 3 again, allowed: each once"
    assert findings(write(tmp_path, [*lines[:3], lines[2], *lines[3:]])) == [message]


def test_absent_day_is_found(tmp_path: Path) -> None:
    lines = [line for line in month() if "2013-07-09" not in line]
    message = "flights-2013-07.csv: date: days: got no flight on 2013-07-09, allowed: all 31 days"
    assert findings(write(tmp_path, lines)) == [message]


def test_too_many_empty_fields_are_found(tmp_path: Path) -> None:
    empty = {line: {"pressure": ""} for line in range(2, 80)}
    message = "flights-2013-07.csv: pressure: missing rate: got 83.9% empty, allowed: at most 40%"
    assert findings(write(tmp_path, month(empty))) == [message]


def test_truncated_file_is_found(tmp_path: Path) -> None:
    lines = month()
    lines[-1] = lines[-1][:40]
    assert findings(write(tmp_path, lines, end="")) == [
        "flights-2013-07.csv:94: fields: got 10 fields, allowed: 21 fields",
        "flights-2013-07.csv:94: whole: got a last line without an end of line, allowed: a file that is whole",
    ]


def test_header_of_another_file_is_the_only_finding(tmp_path: Path) -> None:
    lines = month()
    lines[0] = lines[0].replace("dest", "destination")
    (message,) = findings(write(tmp_path, lines))
    assert message.startswith(
        "flights-2013-07.csv:1: header: got no dest and unknown 'destination', allowed: date,flight"
    )


def test_file_that_cannot_be_read_is_a_finding(tmp_path: Path) -> None:
    (message,) = findings(tmp_path / "flights-2013-07.csv")
    assert message == "flights-2013-07.csv: readable: got No such file or directory, allowed: a CSV file"
    (tmp_path / "flights-2013-07.csv").write_bytes(b"\xff\xfe\x00")
    (message,) = findings(tmp_path / "flights-2013-07.csv")
    assert "readable" in message


def test_empty_file_is_a_finding(tmp_path: Path) -> None:
    file = tmp_path / "flights-2013-07.csv"
    file.write_text("")
    assert [finding.rule for finding in check_file(file).findings] == ["header"]
    file.write_text(",".join(NAMES) + "\n")
    assert [finding.rule for finding in check_file(file).findings] == ["rows"]


def test_report_shows_twenty_a_file_and_counts_the_rest(tmp_path: Path) -> None:
    file = write(tmp_path, month({line: {"dest": "??"} for line in range(2, 90)}))
    text = report([check_file(file)]).splitlines()
    assert len(text) == SHOWN + 2
    assert text[-2].endswith("and 68 more findings")
    assert "88 findings in 1 of 1 files, next: " in text[-1]


def test_command_line_fails_and_gives_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path, month({12: {"origin": "ZZZ"}}))
    assert main([str(file), "-o", "json"]) == 1
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert (finding["line"], finding["column"], finding["rule"]) == (12, "origin", "value")
    assert main([str(write(tmp_path, month()))]) == 0

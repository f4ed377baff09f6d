"""The months: the same bytes on every machine, valid, and equal to their pointers in Git."""

from __future__ import annotations

from pathlib import Path

import pytest
from flights import data, months
from flights.errors import FlightsError
from flights.pointers import data_version, expected_md5, file_md5
from flights.validate import check_file

TRACKED = Path(__file__).resolve().parents[2] / "data"


@pytest.fixture(scope="module")
def february(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    data.make([2], folder)
    return folder / months.file_name(2)


@pytest.mark.slow
def test_made_bytes_are_those_of_the_pointer_in_git(february: Path) -> None:
    assert file_md5(february) == expected_md5(TRACKED / february.name)


def test_every_month_up_to_the_seventh_has_a_pointer() -> None:
    tracked = [month for month in range(1, 13) if expected_md5(TRACKED / months.file_name(month))]
    assert tracked[:7] == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.slow  # The Task fetch-data validates all months.
def test_tracked_months_are_valid(real_months: Path) -> None:
    for month in (6, 7):
        assert check_file(real_months / months.file_name(month)).findings == ()


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """What a month's bytes are, without the seconds that reading a year takes."""
    content = b"a month\n"
    monkeypatch.setattr(data, "render", lambda wanted: dict.fromkeys(wanted, content))
    return content


def test_made_again_leaves_the_file_alone(tmp_path: Path, rendered: bytes) -> None:
    assert data.make([2], tmp_path) == {2: "written"}
    file = tmp_path / months.file_name(2)
    before = file.stat()
    assert data.make([2], tmp_path) == {2: "unchanged"}
    after = file.stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)
    assert file.read_bytes() == rendered


def test_file_with_other_bytes_is_refused_unless_forced(tmp_path: Path, rendered: bytes) -> None:
    file = tmp_path / months.file_name(2)
    file.write_text("mine\n")
    with pytest.raises(FlightsError, match=r"flights-2013-02\.csv is there with other bytes .* --months 2 --force"):
        data.make([2], tmp_path)
    assert file.read_text() == "mine\n"
    assert data.make([2], tmp_path, force=True) == {2: "replaced"}
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    assert file.read_bytes() == rendered


def test_data_version_changes_with_bytes_and_not_with_order() -> None:
    one = {"a.csv": "1", "b.csv": "2"}
    assert data_version(one) == data_version(dict(reversed(one.items())))
    assert data_version(one) != data_version({"a.csv": "2", "b.csv": "1"})

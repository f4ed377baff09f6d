"""What `workshop new` says of a CSV file: types, proposals, and for each fault the file, the line and what to do."""

from __future__ import annotations

import random
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from workshop.errors import UsageError
from workshop.projects import survey as surveys
from workshop.projects.proposal import Proposal, propose
from workshop.projects.survey import MISSING, Reading, rows, survey

COLORS = ("red", "blue", "green")


def table(sep: str = ",", **columns: Any) -> str:
    """A CSV file of 60 rows: id, price, color and a label. `columns` are functions of the row."""
    made = {
        "id": lambda at: f"c{at}",
        "price": lambda at: 10 + at % 7,
        "color": lambda at: COLORS[at % 3],
        "sold": lambda at: "yes" if at % 4 == 0 else "no",
        **columns,
    }
    lines = [sep.join(made), *(sep.join(str(make(at)) for make in made.values()) for at in range(60))]
    return "\n".join(lines) + "\n"


def write(folder: Path, content: str | bytes) -> Path:
    file = folder / "cars.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def proposed(folder: Path, content: str | bytes, target: str = "sold", **more: str) -> Proposal:
    return propose(survey(write(folder, content), Reading()), target, **more)


def columns(found: Proposal) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in found.contract["columns"]}


def test_the_columns_get_types_roles_and_bounds(tmp_path: Path) -> None:
    found = proposed(tmp_path, table(weight=lambda at: "" if at == 7 else 1.5 + at / 4))
    assert found.task == "classification"
    named = columns(found)
    assert named["id"] == {"name": "id", "type": "string", "role": "unused", "nullable": True}
    assert named["price"] == {"name": "price", "type": "integer", "role": "feature", "minimum": 9, "maximum": 17}
    assert named["color"]["enum"] == sorted(COLORS)
    weight = {"type": "number", "minimum": 0.02, "maximum": 17.73, "decimals": 2, "nullable": True}
    assert named["weight"] == {"name": "weight", "role": "feature", **weight}
    assert found.slices == ["price", "color"]
    assert found.notes == ["id: nearly each row has another value, as an identifier, so it is no feature"]


def test_the_rarer_class_is_looked_for(tmp_path: Path) -> None:
    found = proposed(tmp_path, table())
    assert found.contract["positive"] == "yes"
    assert found.answers == {"positive": "sold-yes", "negative": "sold-no", "threshold": 0.25}


def test_one_class_against_all_others(tmp_path: Path) -> None:
    found = proposed(tmp_path, table(), "color", positive="blue")
    assert (found.contract["positive"], found.answers["positive"], found.answers["negative"]) == (
        "blue", "blue", "not-blue")  # fmt: skip


@pytest.mark.parametrize(("first", "second"), [("+", "-"), ("a b", "a/b"), ("好", "坏")])
def test_classes_have_two_names_where_only_signs_tell_them_apart(tmp_path: Path, first: str, second: str) -> None:
    answers = proposed(tmp_path, table(sold=lambda at: first if at % 4 == 0 else second)).answers
    assert len({answers["positive"], answers["negative"]} - {""}) == 2


def test_numbers_are_predicted_by_a_regression(tmp_path: Path) -> None:
    found = proposed(tmp_path, table(weight=lambda at: 1.5 + at / 4), "weight")
    assert found.task == "regression"
    assert found.answers == {"target": "weight", "max_rmse": 4.33, "min_rmse": 0.0043}


def test_rows_without_a_label_are_left_out_and_counted(tmp_path: Path) -> None:
    found = proposed(tmp_path, table(sold=lambda at: "" if at < 4 else "yes" if at % 2 else "no"))
    assert found.notes[0] == "sold: 4 rows have no value and are left out"


@pytest.mark.parametrize(
    ("change", "note"),
    [
        ({"made": lambda at: f"2024-01-{at % 28 + 1:02}"}, "made: dates are no numbers"),
        ({"made": lambda at: f"{at % 28 + 1}.02.2024"}, "made: dates are no numbers"),
        ({"made": lambda at: "here"}, "made: all rows have 'here', so it is no feature"),
        ({"made": lambda at: "NA"}, "made: it has no value"),
        ({"made": lambda at: 3 if at == 5 else ""}, "made: 59 of 60 values are missing"),
        ({"made": lambda at: 1000 + 3 * at}, "made: nearly each row has another value, as an identifier"),
    ],
)
def test_a_column_that_can_be_no_feature_is_left_out_with_the_reason(
    tmp_path: Path, change: dict[str, Any], note: str
) -> None:
    found = proposed(tmp_path, table(**change))
    assert columns(found)["made"]["role"] == "unused"
    assert any(one.startswith(note) for one in found.notes), found.notes


def replaced(old: str, new: str, count: int = 1) -> str:
    return table().replace(old, new, count)


@pytest.mark.parametrize(
    ("content", "message", "hint"),
    [
        (b"", "cars.csv:1: the file is empty", "header"),
        ("id,price\n", "cars.csv:2: there are no rows", "add rows"),
        (table().replace(",", ";"), "cars.csv:1: one column, and the line has 3 of ';'", "--delimiter ';'"),
        (table().replace(",", "\t"), "cars.csv:1: one column, and the line has 3 of $'\\t'", "--delimiter $'\\t'"),
        ("sold\n" + "yes\n" * 60, "cars.csv:1: one column, 'sold'; allowed: a label and at least one feature", ""),
        ("1,2,red\n" * 60, "cars.csv:1: column 1: '1' is a value and no name: the file has no header", "first line"),
        (replaced("price", "id"), "cars.csv:1: column 2: 'id' is the name of column 1 too", "rename"),
        (replaced("price", "größe"), "cars.csv:1: column 2: got 'größe', for example 'grosse'", "allowed: letters"),
        (replaced("price", "价格"), "cars.csv:1: column 2: got '价格', for example 'column_2'", "allowed: letters"),
        (replaced("price", ""), "cars.csv:1: column 2 has no name", "rename"),
        (replaced("c3,13", "c3,thirteen"), "cars.csv:5: price: got 'thirteen', and 59 of 60 values", "--text"),
        (replaced("c3,13", "c3,2024-01-02"), "cars.csv:5: price: got '2024-01-02', and 59 of 60", "--missing '?'"),
        (replaced("c3,13,", "c3,"), "cars.csv:5: got 3 fields, allowed: 4", "quotes"),
        (replaced("c3,13", 'c3,"13'), "cars.csv:5: unexpected end of data", "quote"),
        (table().encode().replace(b"c3", b"c\xe9"), "cars.csv:5: byte 0xe9 is not UTF-8", "iconv"),
        (table().encode("utf-16"), "cars.csv:1: the file is in UTF-16", "iconv -f UTF-16"),
        (table().encode().replace(b"c3", b"\0"), "cars.csv:5: byte 0x00", "is this a CSV file?"),
        (table().replace("\n", "\r"), "cars.csv:1: new-line character seen in unquoted field", "tr '\\r' '\\n'"),
        ("\n\n", "cars.csv:1: all lines are empty", "header"),
        ("\nid,price\n", "cars.csv:3: there are no rows", "add rows"),
        (replaced("price", "Preis €"), "cars.csv:1: column 2: got 'Preis €', for example 'Preis'", "allowed: letters"),
        (table(cost=lambda at: f'"{at},5"'), "cars.csv:2: cost: got '0,5', a number with a comma", "--decimal"),
        ("a," * 250 + "b\n", "cars.csv:1: got 251 columns, allowed: 200", "leave out"),
    ],
    ids=["empty", "no rows", "semicolons", "tabs", "one column", "no header", "twice", "letters", "script", "nameless",
         "mixed", "a date among numbers", "cut", "open quote", "latin-1", "utf-16",
         "binary", "old line ends", "blank", "no rows after a blank line", "sign", "decimal comma", "wide"],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_an_error_with_its_line(
    tmp_path: Path, content: str | bytes, message: str, hint: str
) -> None:
    with pytest.raises(UsageError) as raised:
        survey(write(tmp_path, content), Reading())
    assert message in raised.value.message
    assert hint in raised.value.hint


@pytest.mark.parametrize(
    ("content", "words", "message", "hint"),
    [
        (table(), {"target": ""}, "cars.csv:1: which column is to be predicted?", "price (classification), color"),
        (table(), {"target": "cost"}, "cars.csv:1: no column is called 'cost'", "it has id, price, color, sold"),
        (table(sold=lambda _: "no"), {}, "cars.csv:1: sold: all rows have 'no': there is nothing", "--target"),
        (table(), {"target": "color"}, "cars.csv:1: color: 3 values, allowed: two classes; it", "--positive VALUE"),
        (table(), {"target": "color", "positive": "pink"}, "color has no value 'pink'", "red (20)"),
        (table(sold=lambda at: at == 5), {}, "cars.csv:1: sold: 1 of 60 rows have 'True', allowed:", "more rows"),
        (table(sold=lambda at: "yes" if at < 9 else ""), {}, "sold: all rows have", "--target"),
        (table(sold=lambda at: at % 2 if at < 9 else ""), {}, "cars.csv:1: sold: 9 rows have a value", "rows"),
        (table(sold=lambda at: f"2024-01-{at % 28 + 1:02}"), {}, "cars.csv:2: sold: got '2024-01-01', a date", "days"),
        (table(), {"task": "regression"}, "cars.csv:2: sold: got 'yes', which is no number", "--task classification"),
        (table(), {"target": "price", "task": "regression", "positive": "3"}, "a regression has no classes", "--task"),
    ],
)  # fmt: skip
def test_a_label_that_cannot_be_predicted_is_an_error(
    tmp_path: Path, content: str, words: dict[str, str], message: str, hint: str
) -> None:
    with pytest.raises(UsageError) as raised:
        proposed(tmp_path, content, **{"target": "sold", **words})
    assert message in raised.value.message
    assert hint in raised.value.hint


def test_all_faults_of_a_header_are_listed(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as raised:
        survey(write(tmp_path, table().replace("id,price,color", "x,x,")), Reading())
    assert raised.value.message.count("cars.csv:1: column") == 2


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    assert survey(write(tmp_path, table().encode("utf-8-sig")), Reading()).names[0] == "id"


def test_delimiter_missing_words_and_texts_are_taken_as_given(tmp_path: Path) -> None:
    content = replaced("c3,13", "c3,?").replace(",", ";")
    file, reading = write(tmp_path, content), Reading(";", MISSING | {"?"}, frozenset({"price"}))
    found = survey(file, reading)["price"]
    assert (found.type, found.missing) == ("string", 1)
    assert list(rows(file, reading))[4] == ["c3", "", "red", "no"]
    with pytest.raises(UsageError, match=r"--text: .* has no column cost"):
        survey(file, Reading(";", MISSING | {"?"}, frozenset({"cost"})))


def test_a_decimal_comma_is_read_as_a_point(tmp_path: Path) -> None:
    content = table(cost=lambda at: f"{at},5", note=lambda at: f"a,{at % 3}" if at else "1,2,3", sep=";")
    file, reading = write(tmp_path, content), Reading(";", decimal=",")
    found = survey(file, reading)
    assert (found["cost"].type, found["cost"].high, found["note"].type) == ("number", 59.5, "string")
    assert list(rows(file, reading))[1][-2:] == ["0.5", "1,2,3"]


def test_a_row_of_several_lines_has_the_line_on_which_it_begins(tmp_path: Path) -> None:
    content = replaced("c3,13", '"c\n3",thirteen')
    with pytest.raises(UsageError, match=r"cars\.csv:5: price: got 'thirteen'"):
        survey(write(tmp_path, content), Reading())


def test_postcodes_are_texts_and_not_numbers(tmp_path: Path) -> None:
    assert survey(write(tmp_path, table(zip=lambda at: f"0{1000 + at % 5}")), Reading())["zip"].type == "string"


def test_a_large_file_takes_no_more_memory_than_a_small_one(tmp_path: Path) -> None:
    number = random.Random(1)
    file = tmp_path / "large.csv"
    with file.open("w") as text:
        text.write("key,value,sold\n")
        text.writelines(f"key{at},{number.random()},{at % 2}\n" for at in range(60_000))
    tracemalloc.start()
    found = survey(file, Reading())
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (found.rows, most < 3_000_000) == (60_000, True), f"{most:,} bytes"


def test_a_file_that_is_too_large_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surveys, "LARGEST", 100)
    with pytest.raises(UsageError, match="bytes, allowed: 100"):
        survey(write(tmp_path, table()), Reading())


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a file"):
        survey(tmp_path, Reading())

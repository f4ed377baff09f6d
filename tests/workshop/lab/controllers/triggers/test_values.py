"""Values of bindings from an event, and of templates from bindings."""

from __future__ import annotations

import pytest

from workshop.lab.controllers.triggers.event import Event, canonical, headers_of
from workshop.lab.controllers.triggers.overlays import put
from workshop.lab.controllers.triggers.templates import TemplateError, filled
from workshop.lab.controllers.triggers.values import MissingValue, at, expressions, number, resolve
from workshop.manifests.jsonpath import PathError
from workshop.manifests.triggers import BindingParam, TemplateParam, TriggerTemplateSpec

BODY = (
    b'{"ref":"refs/heads/main","n":3,"big":1234567,"f":0.5,"yes":true,"nothing":null,"a.b":"dot","empty":[],'
    b'"commits":[{"id":"c1","added":["x"]},{"id":"c2","added":[]}],"text":"say \\"hi\\"\\n"}'
)
EVENT = Event(
    "id-1",
    BODY,
    headers_of([(b"x-github-event", b"push"), (b"x-two", b"1"), (b"x-two", b"2")]),
    "/",
    {"short": "abc", "deep": {"k": 1.0}},
)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("body.ref", "refs/heads/main"),
        (".body.ref", "refs/heads/main"),
        ("{.body.ref}", "refs/heads/main"),
        ("body.n", "3"),
        ("body.big", "1.234567e+06"),
        ("body.f", "0.5"),
        ("body.yes", "true"),
        ("body.nothing", "null"),
        ("body.a\\.b", "dot"),
        ("body.empty", "[]"),
        ("body.commits[0].id", "c1"),
        ("body.commits[-1:].id", "c2"),
        ("body.commits[*].id", "c1 c2"),
        ("body.commits[?(@.id=='c2')].id", "c2"),
        ("body.commits[?(@.id=='none')].id", ""),
        ("body.empty[*]", ""),
        ("body.commits[0]", '{"added":["x"],"id":"c1"}'),
        ("body.text", 'say \\"hi\\"\\n'),
        ("header.X-Github-Event", "push"),
        ("header.X-Two", "1,2"),
        ("extensions.short", "abc"),
        ("extensions.deep.k", "1"),
        ("context.eventID", "id-1"),
    ],
)
def test_a_path_selects_a_value_of_the_event(path: str, text: str) -> None:
    assert at(path, EVENT.parts()) == text


@pytest.mark.parametrize(
    "path",
    [
        "body.missing",
        "body.commits[7].id",
        "header.X-GitHub-Event",
        "body.commits[*].no",
        "nothing.at.all",
        "body.missing[*].x",
    ],
)
def test_a_path_that_is_not_there_is_an_error(path: str) -> None:
    with pytest.raises(MissingValue):
        at(path, EVENT.parts())


def test_a_path_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(PathError):
        at("{a}{b}", EVENT.parts())


def test_expressions_may_contain_parentheses_and_an_unclosed_one_is_text() -> None:
    assert list(expressions("a $(body.x[?(@.y=='z')].w) b $(body.v) $(open")) == ["body.x[?(@.y=='z')].w", "body.v"]


def test_a_binding_mixes_text_and_values_and_uses_defaults() -> None:
    declared = [TemplateParam(name="a", default="A"), TemplateParam(name="b", default="B"), TemplateParam(name="c")]
    params = [BindingParam(name="a", value="$(body.missing)"), BindingParam(name="x", value="$(body.n)-$(body.ref)!")]
    assert resolve(params, declared, EVENT.parts()) == {"a": "A", "b": "B", "x": "3-refs/heads/main!"}


def test_a_missing_value_without_a_default_names_the_parameter() -> None:
    with pytest.raises(MissingValue, match=r"param c: \$\(body.missing\): missing is not found"):
        resolve([BindingParam(name="c", value="$(body.missing)")], [TemplateParam(name="c")], EVENT.parts())


def test_a_parameter_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="duplicate param name: a"):
        resolve([BindingParam(name="a", value="1"), BindingParam(name="a", value="2")], [], EVENT.parts())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1, "1"),
        (-2.5, "-2.5"),
        (100000, "100000"),
        (999999, "999999"),
        (1e6, "1e+06"),
        (123456789, "1.23456789e+08"),
        (1e21, "1e+21"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (12345.678, "12345.678"),
    ],
)
def test_numbers_look_as_go_prints_them(value: float, text: str) -> None:
    assert number(float(value)) == text


def test_headers_get_their_canonical_names() -> None:
    assert canonical("x-GITHUB-event") == "X-Github-Event"


def test_one_uid_is_in_all_manifests_and_unknown_variables_stay() -> None:
    second = {"b": "$(uid)", "c": "$(tt.params.y)"}
    spec = TriggerTemplateSpec(resourcetemplates=[{"a": "$(uid) $(tt.params.x)"}, second])
    assert filled(spec, {"x": "$(tt.params.y)"}, "u") == [{"a": "u $(tt.params.y)"}, {"b": "u", "c": "$(tt.params.y)"}]


def test_a_list_in_a_string_needs_the_old_escaping() -> None:
    spec = TriggerTemplateSpec(resourcetemplates=[{"files": "$(tt.params.files)"}])
    with pytest.raises(TemplateError, match='old-escape-quotes: "true"'):
        filled(spec, {"files": '["a"]'}, "u")
    assert filled(spec, {"files": '["a"]'}, "u", old_escape=True) == [{"files": '["a"]'}]


@pytest.mark.parametrize(
    ("target", "path", "expected"),
    [
        ({}, "a", {"a": 1}),
        ({"a": {"c": 2}}, "a.b", {"a": {"c": 2, "b": 1}}),
        ({"a": "text"}, "a.b", {"a": {"b": 1}}),
        ({}, "a\\.b", {"a.b": 1}),
        ({"l": [0, 0]}, "l.1", {"l": [0, 1]}),
        ({"l": []}, "l.-1", {"l": [1]}),
        ({"l": []}, "l.1.x", {"l": [None, {"x": 1}]}),
    ],
)
def test_an_overlay_puts_its_value_at_a_path(target: dict[str, object], path: str, expected: object) -> None:
    assert put(target, path, 1) == expected


def test_a_word_is_no_index_of_a_list() -> None:
    with pytest.raises(ValueError, match="non-numeric key"):
        put({"l": []}, "l.x", 1)

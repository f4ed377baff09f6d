"""CEL filters and overlays as Triggers evaluates them."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.workshop.lab.controllers.triggers.conftest import NAMESPACE, Bench, interceptor, listener, template
from workshop.lab.controllers.triggers.event import Event, headers_of
from workshop.lab.controllers.triggers.expressions import MAX_EXPRESSION
from workshop.lab.controllers.triggers.interceptors import INTERCEPTORS, Secrets, Stopped
from workshop.lab.kinds import built_in
from workshop.lab.store import Store

PATH = f"/{NAMESPACE}/listener"
BODY: dict[str, Any] = {
    "ref": "refs/heads/main",
    "n": 1,
    "f": 1.5,
    "id": 123456789,
    "json": '{"a":[1,2]}',
    "yaml": "k: {z: 1}\nday: 2013-07-01",
    "aliases": "\n".join(["a0: &a0 [x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9))]),
    "commits": [{"id": "abcdef0123", "added": ["model/x.py"]}, {"id": "2", "added": []}],
    "url": "https://bob:pw@example.com:8443/a/b?x=1&x=2&y=3#frag",
    "gone": None,
    "wrapped": "aGVs\nbG8=\n",
    "b64": base64.b64encode(b"hello").decode(),
}
EVENT = Event(
    "e", json.dumps(BODY).encode(), headers_of([(b"x-github-event", b"push")]), "/hook?q=1", {"before": {"k": "v"}}
)


@pytest.fixture
def secrets() -> Secrets:
    store = Store()
    for name in ("dev", "other"):
        store.create(
            built_in("Secret"),
            {
                "metadata": {"name": "s", "namespace": name},
                "data": {"key": base64.b64encode(name.encode()).decode()},
            },
        )
    return Secrets(store, "dev")


def overlay(expression: str, secrets: Secrets) -> Any:
    added = INTERCEPTORS["cel"](EVENT, {"overlays": [{"key": "v", "expression": expression}]}, secrets)
    return added["v"]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("body.ref.split('/')[2]", "main"),
        ("body.commits[0].id.truncate(7)", "abcdef0"),
        ("'ab'.truncate(7)", "ab"),
        ("body.wrapped.decodeb64()", "hello"),
        ("'null'.parseJSON()", {}),
        ("{'a': 'x<y & z'}.marshalJSON()", '{"a":"x\\u003cy \\u0026 z"}'),
        ("'refs/tags/v1'.translate('refs/(tags)/(?P<tag>.*)', '${1}-$tag-$tags-$$')", "tags-v1--$"),
        ("[[1, [2]]].flatten(2)", [1, 2]),
        ("header.match('X-Github-Event', 'push')", True),
        ("header.match('x-github-event', 'pull_request')", False),
        ("header.canonical('x-github-EVENT')", "push"),
        ("header.canonical('X-None')", ""),
        ("header['X-Github-Event'][0]", "push"),
        ("requestURL", "/hook?q=1"),
        ("requestURL.parseURL().path", "/hook"),
        ("extensions.before.k", "v"),
        ("body.n", 1),
        ("body.n + 1.0", 2),
        ("body.n == 1", True),
        ("body.id", 123456789),
        ("body.f", 1.5),
        ("int(body.f)", 1),
        ("body.json.parseJSON().a[1]", 2),
        ("body.yaml.parseYAML().k.z", 1),
        ("body.yaml.parseYAML().day", "2013-07-01"),
        ("body.url.parseURL().host", "example.com:8443"),
        ("body.url.parseURL().query.x", "1,2"),
        ("body.url.parseURL().queryStrings.y[0]", "3"),
        ("body.url.parseURL().auth.username", "bob"),
        ("body.commits.marshalJSON()", '[{"added":["model/x.py"],"id":"abcdef0123"},{"added":[],"id":"2"}]'),
        ("body.commits[0].marshalJSON()", '{"added":["model/x.py"],"id":"abcdef0123"}'),
        ("body.commits.first().id", "abcdef0123"),
        ("body.commits.last().id", "2"),
        ("body.commits.map(c, c.id)", ["abcdef0123", "2"]),
        ("body.commits.exists(c, c.added.exists(f, f.startsWith('model/')))", True),
        ("body.ref.lowerAscii() + body.ref.upperAscii()", "refs/heads/mainREFS/HEADS/MAIN"),
        ("body.b64.decodeb64()", "hello"),
        ("base64.encode(b'hello')", "aGVsbG8="),
        ("'This is $an Invalid5String '.translate('[^a-z0-9]+', '')", "hisisannvalid5tring"),
        ("['a', 'b'].join('-')", "a-b"),
        ("math.greatest(1, 3)", 3),
        ("sets.contains([1, 2], [1])", True),
        ("sets.intersects([1], [2])", False),
        ("[[1], [2]].flatten()", [1, 2]),
        ("[3, 1].sort()", [1, 3]),
        ("[1, 2, 3].slice(0, 2)", [1, 2]),
        ("lists.range(3)", [0, 1, 2]),
        ("{'a': [1.0, true, null]}", {"a": [1, True, None]}),
        ("'dev'.compareSecret('key', 's')", True),
        ("'dev'.compareSecret('key', 's', 'other')", False),
        ("'other'.compareSecret('key', 's', 'other')", True),
    ],
)
def test_an_expression_has_the_value_it_has_on_a_cluster(expression: str, value: Any, secrets: Secrets) -> None:
    found = overlay(expression, secrets)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("1 +", "failed to parse expression"),
        ("nobody", "undeclared reference to 'nobody'"),
        ("'a' == 1", "found no matching overload"),
        ("split(body.ref, '/')", "undeclared reference to 'split'"),
        ("body.n + 1", "failed to evaluate: no such overload"),
        ("body.missing", "failed to evaluate: no such key: missing"),
        ("body.commits[2]", "failed to evaluate: index out of bounds: 2"),
        ("1 / 0", "failed to evaluate: division by zero"),
        ("body.gone", "type conversion error from 'null_type' to '[]uint8'"),
        ("timestamp('2013-01-01T00:00:00Z')", "failed to convert overlay result to bytes"),
        ("1u", "failed to convert overlay result to bytes"),
        ("'x'.parseJSON()", "failed to evaluate"),
        ("body.aliases.parseYAML().a8[0]", "aliases"),
        ("'x'.compareSecret('no', 's')", "cannot find no key in secret"),
        ("[].first()", "no elements in list"),
    ],
)
def test_an_expression_that_fails_says_why(expression: str, why: str, secrets: Secrets) -> None:
    with pytest.raises(Stopped) as found:
        overlay(expression, secrets)
    assert why in found.value.message


@pytest.mark.parametrize("expression", ["false", "body.ref", "1", "body.ref == 'refs/heads/other'"])
def test_only_true_lets_an_event_pass(expression: str, secrets: Secrets) -> None:
    with pytest.raises(Stopped, match="did not return true"):
        INTERCEPTORS["cel"](EVENT, {"filter": expression}, secrets)


def test_overlays_do_not_see_each_other_and_nest_by_dots(secrets: Secrets) -> None:
    added = INTERCEPTORS["cel"](
        EVENT,
        {
            "overlays": [
                {"key": "a.b", "expression": "'x'"},
                {"key": "a.c", "expression": "has(extensions.a)"},
            ]
        },
        secrets,
    )
    assert added == {"a": {"b": "x", "c": False}}


def test_a_secret_never_shows_in_an_error(secrets: Secrets) -> None:
    # The secret is read and differs, then the expression fails.
    with pytest.raises(Stopped) as found:
        overlay("'x'.compareSecret('key', 's') ? 1 : 1 / 0", secrets)
    assert "division by zero" in found.value.message
    assert "dev" not in found.value.message


def test_an_expression_longer_than_the_limit_is_not_compiled(secrets: Secrets) -> None:
    assert overlay("'" + "a" * (MAX_EXPRESSION - 2) + "'", secrets)
    with pytest.raises(Stopped) as found:
        overlay("'" + "a" * (MAX_EXPRESSION - 1) + "'", secrets)
    assert f"the expression has {MAX_EXPRESSION + 1} characters; at most {MAX_EXPRESSION}" in found.value.message


def test_extensions_travel_down_the_chain_and_into_the_template(bench: Bench) -> None:
    bench.put(template(branch="$(tt.params.branch)", files="$(tt.params.count)"))
    bench.put(
        listener(
            {
                "name": "t",
                "template": {"ref": "note"},
                "interceptors": [
                    interceptor("cel", overlays=[{"key": "branch", "expression": "body.ref.split('/')[2]"}]),
                    interceptor(
                        "cel",
                        filter="extensions.branch == 'main'",
                        overlays=[{"key": "count", "expression": "size(body.commits)"}],
                    ),
                ],
                "bindings": [
                    {"name": "branch", "value": "$(extensions.branch)"},
                    {"name": "count", "value": "$(extensions.count)"},
                ],
            }
        )
    )
    bench.post(PATH, BODY)
    bench.post(PATH, {**BODY, "ref": "refs/heads/other"})
    assert [obj["data"] for obj in bench.made()] == [{"branch": "main", "files": "2"}]


def test_an_event_of_no_interest_leaves_no_warning(bench: Bench) -> None:
    bench.put(template(a="x"))
    no = interceptor("cel", filter="false")
    bench.put(listener({"name": "t", "template": {"ref": "note"}, "interceptors": [no]}))
    bench.post(PATH, {})
    assert bench.events() == []


def test_a_filter_that_does_not_parse_is_admitted_and_starts_nothing(bench: Bench) -> None:
    bench.put(template(a="x"))
    bench.put(listener({"name": "t", "template": {"ref": "note"}, "interceptors": [interceptor("cel", filter="1 +")]}))
    assert bench.post(PATH, {}).status == 202
    assert bench.made() == []

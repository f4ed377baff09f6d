"""The variables of `{{ }}`. The table of `substitute` has facts of upstream's own tests at v0.48."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.workshop.lab.controllers.pipelinesascode.events import URL, push, request
from workshop.lab.controllers.celvalues import ExpressionError
from workshop.lab.controllers.pipelinesascode.variables import params_of, substitute
from workshop.lab.forge.notice import Changed


def no_secret(name: str, key: str) -> str:
    raise LookupError(f"{name} {key}")


def test_a_push_gives_the_standard_variables() -> None:
    assert params_of(push(), "user1-dev", None, no_secret) == {
        "revision": "a" * 40,
        "repo_url": URL,
        "repo_owner": "user1",
        "repo_name": "mlops-workshop",
        "target_branch": "main",
        "source_branch": "main",
        "git_tag": "",
        "source_url": URL,
        "sender": "user1",
        "target_namespace": "user1-dev",
        "event_type": "push",
        "trigger_comment": "",
        "pull_request_labels": "",
    }


def test_a_tag_is_a_variable() -> None:
    assert params_of(push("refs/tags/v1"), "n", None, no_secret)["git_tag"] == "v1"


def test_a_comment_is_one_line_and_sets_variables() -> None:
    event = request(comment='/test revision=main extra="a b"\nmore')
    found = params_of(event, "n", [{"name": "extra", "secret_ref": {"name": "s"}}], no_secret)
    assert found["trigger_comment"] == '/test revision=main extra="a b"\\nmore'
    assert (found["revision"], found["extra"]) == ("main", "a b")


def test_params_of_the_repository_have_values_secrets_and_filters() -> None:
    declared: list[dict[str, Any]] = [
        {"name": "place", "value": "staging", "filter": 'pac.event_type == "push"'},
        {"name": "place", "value": "production", "filter": 'pac.target_branch == "main"'},
        {"name": "place", "value": "nowhere", "filter": "true"},
        {"name": "token", "secret_ref": {"name": "login", "key": "password"}},
        {"name": "both", "value": "text", "secret_ref": {"name": "login", "key": "password"}},
    ]
    found = params_of(request(), "n", declared, lambda name, key: f"{name}/{key}")
    assert (found["place"], found["token"], found["both"]) == ("production", "login/password", "text")
    assert "git_tag" not in found, "with params, a variable without a value is left out"


def test_a_filter_that_fails_is_an_error() -> None:
    with pytest.raises(ExpressionError):
        params_of(push(), "n", [{"name": "a", "value": "b", "filter": "nothing"}], no_secret)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ revision }}} {{ bar}}", "master} {{ bar}}"),
        ("{{revision}}", "master"),
        ("{{ body.pull_request.title }}", "[UPSTREAM] More trees"),
        ("{{ body.pull_request.number == 7.0 }}", "true"),
        ("{{ body.pull_request.number }}", "7"),
        ("{{ body.pull_request.head }}", '{"ref":"more-trees","sha":"' + "c" * 40 + '"}'),
        ("{{ body.nothing }}", "{{ body.nothing }}"),
        ('{{ headers["X-Github-Event"] }}', "pull_request"),
        ("{{ headers.Nothing }}", "{{ headers.Nothing }}"),
        ("{{ files.all[0] }}", "a.go"),
        ("{{ files.added }}", '["a.go","b.md"]'),
        ('{{ files.all.join(", ") }}', "a.go, b.md"),
        ('{{ cel: trigger_comment.replace("bad", "good") }}', "a good comment!"),
        ('{{ cel: body.action == "opened" ? "new" : "updated" }}', "new"),
        ('{{ cel: has(body.missing) ? body.missing : "default" }}', "default"),
        ('{{ cel: pac.revision == "master" ? "yes" : "no" }}', "yes"),
        ('{{ cel: files.all.exists(f, f.endsWith(".go")) ? "yes" : "no" }}', "yes"),
        ("{{ cel: size(files.all) }}", "2"),
        ("{{ cel: nothing }}", ""),
    ],
)
def test_a_placeholder_is_replaced_or_stays(text: str, expected: str) -> None:
    event = replace(request(), changed=Changed(added=("a.go", "b.md")))
    params = {"revision": "master", "trigger_comment": "a bad comment!"}
    assert substitute(text, params, event) == expected


def test_without_an_event_only_params_are_replaced() -> None:
    assert substitute("{{ git_auth_secret }} {{ body.a }}", {"git_auth_secret": "s"}, None) == "s {{ body.a }}"

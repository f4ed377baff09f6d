"""Which PipelineRuns of `.tekton/` an event starts. The tables are facts of upstream's own tests at v0.48."""

from __future__ import annotations

from typing import Any

import pytest

from tests.workshop.lab.controllers.pipelinesascode.events import push, request
from workshop.lab.controllers.pipelinesascode import matching
from workshop.lab.controllers.pipelinesascode.annotations import AnnotationError, values
from workshop.lab.controllers.pipelinesascode.event import Event, command, of_push
from workshop.lab.controllers.pipelinesascode.globs import matches
from workshop.lab.forge.notice import Changed
from workshop.manifests.objects import Object
from workshop.manifests.patterns import PatternError

DOCS = Changed(added=("docs/a.md",))
CODE = Changed(modified=("model/flights/train.py",), deleted=("old.py",))
ON_PUSH, ON_REQUEST = {"on-event": "push"}, {"on-event": "[pull_request]"}
MAIN = {"on-target-branch": "main"}


def run(name: str = "check", **annotations: str) -> Object:
    found = {f"pipelinesascode.tekton.dev/{key.replace('_', '-')}": value for key, value in annotations.items()}
    return {"metadata": {"name": name, "annotations": found}}


def is_matched(event: Event, annotations: dict[str, str], params: dict[str, str] | None = None) -> bool:
    return bool(matching.match([run(**annotations)], event, params or {}).runs)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("foo", ["foo"]),
        ("[foo]", ["foo"]),
        ("[foo, bar]", ["foo", "bar"]),
        ("[foo&#44;,bar]", ["foo,", "bar"]),
        ("foo&#44;bar", ["foo,bar"]),
        ("[refs/tags/v*]", ["refs/tags/v*"]),
    ],
)
def test_an_annotation_is_a_word_or_a_list(text: str, expected: list[str]) -> None:
    assert values(text) == expected


@pytest.mark.parametrize("text", ["foo, bar", "foo]", "[]", "[foo", "[,a]"])
def test_an_annotation_of_another_form_is_an_error(text: str) -> None:
    with pytest.raises(AnnotationError):
        values(text)


@pytest.mark.parametrize(
    ("branch", "pattern", "expected"),
    [
        ("main", "main", True),
        ("refs/heads/main", "main", True),
        ("main", "refs/heads/main", True),
        ("refs/heads/main", "refs/heads/main", True),
        ("refs/tags/v0.20.0", "main", False),
        ("main", "refs/tags/*", False),
        ("refs/tags/v0.20.0", "refs/heads/main", False),
        ("refs/heads/main", "refs/tags/*", False),
        ("refs/tags/v0.20.0", "refs/tags/*", True),
        ("main", "test", False),
        ("refs/heads/foo/test", "test", False),
        ("refs/heads/bar/test", "refs/heads/foo/test", False),
        ("refs/heads/main", "refs/heads/mains", False),
        ("release-1", "release-*", True),
        ("team/release-1", "*/release-[0-9]", True),
    ],
)
def test_a_branch_matches_with_and_without_its_prefix(branch: str, pattern: str, expected: bool) -> None:
    assert matching.branch_matches(pattern, branch) is expected


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("docs/*", "docs/a/b.md", True),
        ("**/*.py", "model/a.py", True),
        ("**/*.py", "a.py", False),
        ("*.{yaml,yml}", "a.yml", True),
        ("*.{yaml,yml}", "a.yl", False),
        ("a?c", "abc", True),
        ("[!a]b", "ab", False),
        ("[a-c]b", "cb", True),
        (r"a\*", "a*", True),
        ("a.c", "abc", False),
    ],
)
def test_a_glob_has_no_separators(pattern: str, text: str, expected: bool) -> None:
    assert matches(pattern, text) is expected


@pytest.mark.parametrize("pattern", ["[a", "{a,b"])
def test_a_glob_that_is_not_closed_is_an_error(pattern: str) -> None:
    with pytest.raises(PatternError):
        matches(pattern, "a")


@pytest.mark.parametrize(
    ("event", "annotations", "expected"),
    [
        (push(), ON_PUSH | MAIN, True),
        (push(), ON_REQUEST | MAIN, False),
        (push(), ON_PUSH, False),
        (push(), MAIN, False),
        (push("refs/heads/other"), ON_PUSH | MAIN, False),
        (push("refs/tags/v1"), ON_PUSH | {"on-target-branch": "refs/tags/v*"}, True),
        (request(), ON_REQUEST | MAIN, True),
        (request(), {"on-event": "[push, pull_request]"} | MAIN, True),
        (request("release"), ON_REQUEST | {"on-target-branch": "[main, rel*]"}, True),
        (request(changed=DOCS), ON_REQUEST | MAIN | {"on-path-change": "docs/**"}, True),
        (request(changed=CODE), ON_REQUEST | MAIN | {"on-path-change": "docs/**"}, False),
        (request(changed=DOCS), ON_REQUEST | MAIN | {"on-path-change-ignore": "[docs/**]"}, False),
        (request(changed=CODE), ON_REQUEST | MAIN | {"on-path-change-ignore": "docs/**"}, True),
        (push(modified=["docs/a.md"]), ON_PUSH | MAIN | {"on-path-change": "docs/*"}, True),
        (request(), ON_REQUEST | MAIN | {"on-label": "bug"}, False),
    ],
)
def test_events_branches_and_paths_must_all_match(event: Event, annotations: dict[str, str], expected: bool) -> None:
    assert is_matched(event, annotations) is expected


@pytest.mark.parametrize(
    ("expression", "event", "expected"),
    [
        ('event == "pull_request" && target_branch == "main" && source_branch == "more-trees"', request(), True),
        ('event == "push" && target_branch == "main"', push(), True),
        ('event == "push" && target_branch == "refs/heads/main"', push(), True),
        ('event == "push" && target_branch.startsWith("refs/tags/")', push("refs/tags/v1"), True),
        ('"docs/*".pathChanged()', request(changed=DOCS), True),
        ('"docs/*".pathChanged()', request(changed=CODE), False),
        ('files.all.exists(x, x.matches("train.py"))', request(changed=CODE), True),
        ('files.deleted.exists(x, x == "old.py")', request(changed=CODE), True),
        ('event_title.startsWith("[UPSTREAM]")', request(), True),
        ('event_title.startsWith("[UPSTREAM]")', push(), False),
        ("headers['x-github-event'] == 'push'", push(), True),
        ("body.pull_request.number == 7.0", request(), True),
        ('run_tests == "true"', request(), True),
    ],
)
def test_a_cel_expression_decides(expression: str, event: Event, expected: bool) -> None:
    assert is_matched(event, {"on-cel-expression": expression}, {"run_tests": "true"}) is expected


def test_a_cel_expression_goes_before_the_other_annotations() -> None:
    assert is_matched(push(), ON_REQUEST | MAIN | {"on-cel-expression": "true"})


@pytest.mark.parametrize("expression", ["BADD'ax", "unknown == 1", "body.nothing == 1.0"])
def test_an_expression_that_fails_is_an_error_of_its_run(expression: str) -> None:
    found = matching.match([run("bad", on_cel_expression=expression), run("good", **ON_PUSH, **MAIN)], push(), {})
    assert [one["metadata"]["name"] for one in found.runs] == ["good"]
    assert list(found.errors) == ["bad"]


def test_a_comment_starts_the_runs_whose_pattern_it_has() -> None:
    runs = [run("deploy", on_comment="^/deploy"), run("check", **ON_REQUEST, **MAIN)]
    found = matching.match(runs, request(comment="/deploy staging\n"), {})
    assert [one["metadata"]["name"] for one in found.runs] == ["deploy"]
    assert found.event.type == "on-comment"
    assert not matching.match(runs, request(comment="Looks good"), {}).runs


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("/test", ("test-all-comment", "")),
        ("Please\n/retest \n", ("retest-all-comment", "")),
        ("/test check more", ("test-comment", "check")),
        ("/cancel", ("cancel-all-comment", "")),
        ("see /test", ("no-ops-comment", "")),
        ("/tests", ("no-ops-comment", "")),
        ("/cancel\n/retest", ("retest-all-comment", "")),
        ("/cancel a\n/ok-to-test", ("ok-to-test-comment", "")),
        ("/test tag=v1", ("test-comment", "")),
    ],
)
def test_a_line_of_a_comment_is_a_command(comment: str, expected: tuple[str, str]) -> None:
    assert command(comment) == expected


def test_a_command_starts_what_a_push_to_the_merge_request_starts() -> None:
    runs = [run("check", **ON_REQUEST, **MAIN), run("other", on_comment="^/deploy")]
    assert [one["metadata"]["name"] for one in matching.match(runs, request(comment="/test"), {}).runs] == ["check"]
    assert [one["metadata"]["name"] for one in matching.match(runs, request(comment="/test other"), {}).runs] == [
        "other"
    ]


def test_the_message_without_a_match_lists_the_annotations() -> None:
    message = matching.no_match([run("check", **ON_REQUEST, **MAIN)], push())
    assert "[PipelineRun: check, annotations: on-event: [pull_request], on-target-branch: main]" in message
    assert "payload target event is push with source branch refs/heads/main" in message


@pytest.mark.parametrize("message", ["Fix [skip ci]", "[ci skip] a", "a\n\n[skip tkn]", "[tkn skip]"])
def test_a_commit_can_ask_for_no_run(message: str) -> None:
    assert push(message=message).skip


def test_a_deleted_branch_is_no_event() -> None:
    body: dict[str, Any] = {"deleted": True, "head_commit": None}
    assert of_push(body, {}) is None

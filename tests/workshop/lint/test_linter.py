"""Each file of `cases/` has, in comments `# -> RULE...`, the findings of its lines."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

from tests import lintrules
from workshop.cli import main
from workshop.lab.paths import KIT
from workshop.lint.linter import Report, lint
from workshop.lint.rules import RULES

CASES = Path(__file__).parent / "cases"
MARKED = sorted(path.name for path in CASES.glob("*.yaml") if path.name != "ignored.yaml")


def found(report: Report) -> list[tuple[int, str]]:
    return [(one.line, one.rule) for one in report.counted]


def expected(path: Path) -> list[tuple[int, str]]:
    marks = ((number, re.search(r"# -> (.+)$", line)) for number, line in enumerate(path.read_text().splitlines(), 1))
    return [(number, rule) for number, mark in marks if mark for rule in sorted(mark.group(1).split())]


@pytest.mark.parametrize("name", MARKED)
def test_finds_what_the_comments_say_and_nothing_else(name: str) -> None:
    report = lint([str(CASES / name)])
    assert sorted(found(report)) == expected(CASES / name), [str(one) for one in report.counted]


def test_every_rule_has_a_case() -> None:
    in_cases = {rule for name in MARKED for _, rule in expected(CASES / name)}
    assert set(RULES) - in_cases == {"unreadable", "unused-ignore"}  # These have tests of their own below.


def test_a_finding_says_where_what_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    name = str(CASES / "scripts.yaml")
    assert main(["lint", name]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines()[0] == (
        f"{name}:12:15: warning script-injection: $(params.word) is replaced before the shell reads the script. "
        "Pass it by env, and use the variable in double quotes."
    )
    assert printed.err == "1 object checked: 0 errors, 3 warnings, 0 ignored\n"


def test_errors_end_with_4_and_warnings_only_with_strict() -> None:
    assert main(["lint", str(CASES / "images.yaml")]) == 0
    assert main(["lint", "--strict", str(CASES / "images.yaml")]) == 4
    assert main(["lint", str(CASES / "refused.yaml")]) == 4
    assert (
        main(
            ["lint", "--ignore", "floating-image", "--ignore", "unknown-image", "--strict", str(CASES / "images.yaml")]
        )
        == 0
    )
    assert main(["lint", "--rule", "admission", "--strict", str(CASES / "images.yaml")]) == 0


def test_an_unknown_rule_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", "--rule", "no-such", str(CASES)]) == 2
    assert "there is no rule no-such" in capsys.readouterr().err


def test_a_comment_with_a_reason_ignores_a_finding() -> None:
    report = lint([str(CASES / "ignored.yaml")])
    assert [(one.line, one.reason) for one in report.findings if one.reason] == [(6, "a test of comments")]
    assert found(report) == [
        (7, "unused-ignore"),
        (9, "unused-ignore"),
        (9, "floating-image"),
        (10, "unused-ignore"),
        (11, "floating-image"),
    ]
    messages = [one.message for one in report.findings if one.rule == "unused-ignore"]
    assert messages == [
        "No script-injection or floating-image is found there.",
        "The comment gives no reason, so it has no effect.",
        "There is no rule no-such-rule.",
    ]


def test_a_comment_can_ignore_a_rule_in_a_whole_file(tmp_path: Path) -> None:
    text = (CASES / "images.yaml").read_text()
    ignored = [
        f"# workshop-lint: ignore-file {rule}: a mirror has them\n" for rule in ("floating-image", "unknown-image")
    ]
    (tmp_path / "a.yaml").write_text("".join(ignored) + text)
    assert found(lint([str(tmp_path)])) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: [1", "bad YAML: did not find expected ',' or ']'."),
        (b"a: 1\na: 2\n", 'bad YAML: key "a" already set in map.'),
        (b"kind: Task\nspec:\n  {{- if .Values.x }}\n  steps: []\n", "it is a template with {{ }}, not YAML"),
        (b"", "it is empty."),
        (b"# only a comment\n---\n", "it is empty."),
        (b"- a\n- b\n", "the document is a list, not an object with apiVersion and kind."),
        (b"just words\n", "the document is a text, not an object with apiVersion and kind."),
        (b"version: 2\n", "the document has no apiVersion and no kind."),
        (b"apiVersion: v1\nkind: List\nitems: [{kind: ConfigMap}]\n", "the document has no apiVersion."),
        (b"\x00\x01\x02", "it is no text: it has bytes with the value 0."),
        (b"\xff\xfe\x00a", "it is no text in UTF-8."),
        (b"a: &a [x]\n" + b"".join(b"%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n" % (c + 1, c + 1, *[c] * 8)
                                    for c in range(97, 110)), "bad YAML: document contains excessive aliasing."),
        (b"[" * 3000, "bad YAML: more than 200 levels deep."),
        (b"x" * (10 * 2**20 + 1), "it has 10 MiB; at most 10 MiB are read."),
    ],
)  # fmt: skip
def test_a_file_without_manifests_is_one_finding(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "file.yaml").write_bytes(content)
    report = lint([str(tmp_path / "file.yaml")])
    assert [one.rule for one in report.findings] == ["unreadable"]
    assert report.findings[0].message.startswith(message.removesuffix(".")), report.findings[0].message


def test_what_is_no_file_is_one_finding(tmp_path: Path) -> None:
    (tmp_path / "link.yaml").symlink_to(tmp_path / "nowhere")
    report = lint([str(tmp_path / "link.yaml"), "/dev/null"])
    assert [one.message for one in report.findings] == [
        "it is a link to a file that does not exist.",
        "it is not a regular file.",
    ]


def test_a_path_that_does_not_exist_is_rejected(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", "no-such.yaml"]) == 4
    assert 'the path "no-such.yaml" does not exist' in capsys.readouterr().err


def test_a_folder_may_have_other_yaml(tmp_path: Path) -> None:
    """Values, CI files, kustomizations and the patches that they name; links to folders are not followed."""
    (tmp_path / "values.yaml").write_text("replicas: 2\n")
    (tmp_path / "list.yaml").write_text("- {op: remove, path: /spec}\n")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "bad.yaml").write_text("a: [")
    (tmp_path / "round").symlink_to(tmp_path)
    (tmp_path / "patch.yaml").write_text(
        "apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: t}\nspec: {steps: []}\n"
    )
    (tmp_path / "kustomization.yaml").write_text("resources: [a.yaml]\npatches: [{path: patch.yaml}]\n")
    assert lint([str(tmp_path)]) == Report([], 0, 0)
    assert [one.rule for one in lint([str(tmp_path / "patch.yaml")]).findings] == ["admission"]


@pytest.mark.parametrize(
    "text",
    [
        "kind: EventListener\napiVersion: triggers.tekton.dev/v1beta1\nmetadata: {name: a}\nspec: 5\n",
        "kind: EventListener\napiVersion: triggers.tekton.dev/v1beta1\nmetadata: {name: a}\nspec: {triggers: 5}\n",
        "kind: EventListener\napiVersion: triggers.tekton.dev/v1beta1\nmetadata: {name: a}\nspec: {triggers: ["
        "{bindings: true, interceptors: 5}]}\n",
        "kind: SeldonDeployment\napiVersion: machinelearning.seldon.io/v1\nmetadata: {name: a}\nspec: {predictors: "
        "[{name: p, graph: {name: n}, componentSpecs: [{spec: {containers: [n]}}]}]}\n",
        "kind: Task\napiVersion: tekton.dev/v1\nmetadata: 5\nspec: {steps: [5]}\n",
        "kind: PipelineRun\napiVersion: tekton.dev/v1beta1\nspec: [pipelineSpec]\n",
    ],
)
def test_values_of_wrong_types_are_findings(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(text)
    assert "admission" in {one.rule for one in lint([str(tmp_path)]).findings}


def test_items_of_a_list_have_their_own_lines(tmp_path: Path) -> None:
    (tmp_path / "list.yaml").write_text(
        "apiVersion: v1\nkind: List\nitems:\n  - apiVersion: v1\n    kind: ConfigMap\n    metadata: {name: a}\n"
        "    data: {a: 1}\n"
    )
    assert [(one.line, one.rule) for one in lint([str(tmp_path)]).findings] == [(7, "admission")]


def test_findings_are_in_the_order_of_files_and_lines() -> None:
    report = lint([str(CASES / "scripts.yaml"), str(CASES / "across.yaml")])
    places = [(Path(one.file).name, one.line) for one in report.findings]
    assert places == sorted(places, key=lambda one: (one[0] != "scripts.yaml", one[1]))


def test_json_has_a_finding_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    main(["lint", "-o", "json", str(CASES / "ignored.yaml")])
    first, *others = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert first == {
        "file": str(CASES / "ignored.yaml"), "line": 6, "column": 14, "severity": "warning", "rule": "floating-image",
        "message": "The image busybox has no digest.", "advice": RULES["floating-image"].advice,
        "ignored": "a test of comments",
    }  # fmt: skip
    assert len(others) == 5


def test_sarif_has_rules_places_and_suppressions(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a b.yaml").write_text((CASES / "ignored.yaml").read_text())
    main(["lint", "-o", "sarif", str(tmp_path)])
    log = json.loads(capsys.readouterr().out)
    assert (log["version"], len(log["runs"])) == ("2.1.0", 1)
    run = log["runs"][0]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == list(RULES)
    first = run["results"][0]
    assert run["tool"]["driver"]["rules"][first["ruleIndex"]]["id"] == first["ruleId"] == "floating-image"
    assert first["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "a%20b.yaml"}, "region": {"startLine": 6, "startColumn": 14},
    }  # fmt: skip
    assert first["suppressions"] == [{"kind": "inSource", "justification": "a test of comments"}]
    assert all("suppressions" not in one for one in run["results"][1:])


def test_the_kits_own_manifests_have_no_finding() -> None:
    began = time.process_time()
    report = lint([str(KIT / "tekton"), str(KIT / "seldon")])
    took = time.process_time() - began
    assert [str(one) for one in report.counted] == []
    assert report.checked > 50
    assert took < 5, f"{took:.1f} s of processor time: it is used at every save of a file"


def test_the_page_of_the_rules_is_made_from_them() -> None:
    assert lintrules.PAGE.read_text() == lintrules.page(), "make parity"

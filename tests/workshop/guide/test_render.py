"""Pages of the guide: values, copied commands, included files, and no raw HTML of a module."""

from __future__ import annotations

from pathlib import Path

import pytest

from workshop.errors import ManifestError
from workshop.guide.module import load_all, parse
from workshop.guide.render import render
from workshop.guide.values import fill
from workshop.participants.names import Participant

KIT = Path(__file__).resolve().parents[3]
FRONT = "---\ntitle: A title\nminutes: 10\nruns-on: lab\nchecks: false\n---\n"
KNOWN = Participant("user7").variables({"PRODUCTION_URL": "http://127.0.0.1:1/p", "MLFLOW_URL": None})


def _html(kit: Path, body: str) -> str:
    modules = kit / "workshop" / "modules"
    modules.mkdir(parents=True, exist_ok=True)
    return render(parse(FRONT + body, modules / "01-try-it.md"), kit, KNOWN)


def test_the_prompt_and_the_output_are_not_copied(tmp_path: Path) -> None:
    html = _html(tmp_path, "```bash\n$ first \\\n  -x\nprinted\n$ second\n```\n")
    assert 'data-copy="first \\\n  -x\nsecond"' in html
    assert '<span class="output">printed</span>' in html


def test_values_of_the_participant_are_filled_in(tmp_path: Path) -> None:
    html = _html(tmp_path, '`$DEV_NAMESPACE`\n\n```bash\n$ curl "$PRODUCTION_URL" $UNKNOWN "$MLFLOW_URL"\n```\n')
    assert "<code>user7-dev</code>" in html
    assert "http://127.0.0.1:1/p" in html
    assert "$UNKNOWN" in html and "$MLFLOW_URL" in html


def test_a_name_is_replaced_as_a_whole() -> None:
    assert fill("$DEV_NAMESPACE_2 ${DEV_NAMESPACE}_2", KNOWN) == "$DEV_NAMESPACE_2 user7-dev_2"


def test_html_in_a_module_is_text(tmp_path: Path) -> None:
    html = _html(tmp_path, "<script>alert(1)</script>\n\n```bash\n$ echo '</pre><script>'\n```\n")
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html and "&lt;/pre&gt;&lt;script&gt;" in html


def test_an_include_shows_the_files_text(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("spec:\n  # why\n  graph:\n    name: x\n  # of other\n  other: 1\n")
    whole = _html(tmp_path, '[a.yaml](../../a.yaml "include")\n')
    field = _html(tmp_path, '[a.yaml](../../a.yaml "include spec.graph")\n')
    lines = _html(tmp_path, '[a.yaml](../../a.yaml "include lines 2-3")\n')
    assert "other: 1" in whole and ">a.yaml<" in whole
    assert "graph:\n  name: x\n</pre>" in field and "from line 3" in field
    assert "# why\ngraph:\n</pre>" in lines


def test_an_include_finds_an_item_of_a_list_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("tasks:\n  - name: one\n    when: x\n  - name: two\n    when: y\n")
    html = _html(tmp_path, '[a.yaml](../../a.yaml "include tasks.two")\n')
    assert "name: two\n" in html and "when: y" in html and "when: x" not in html


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ('[x](../../gone.yaml "include")', "01-try-it.md:7: cannot include ../../gone.yaml"),
        ('[x](../../../x.yaml "include")', "points outside of the kit"),
        ('[x](../../a.yaml "include spec.nope")', "a.yaml has no field spec.nope: 'nope' is not among graph"),
        ('[x](../../a.yaml "include spec.graph.3")', "there is nothing to step into at '3'"),
        ('[x](../../a.yaml "include lines 1-99")', "a.yaml has 2 lines, not 1-99"),
    ],
)
def test_an_include_that_does_not_match_is_an_error_with_file_and_line(tmp_path: Path, link: str, words: str) -> None:
    (tmp_path / "a.yaml").write_text("spec:\n  graph: 1\n")
    with pytest.raises(ManifestError) as refused:
        _html(tmp_path, link + "\n")
    assert words in str(refused.value)


def test_a_link_to_a_module_leads_to_its_page(tmp_path: Path) -> None:
    assert 'href="/guide/02-explore-the-data"' in _html(tmp_path, "[next](02-explore-the-data.md)\n")


@pytest.mark.parametrize(
    ("link", "address"),
    [
        ("../../model/DATA.md", "/guide/data"),
        ("../../../grafana/runbook.md#modelmisses", "/dashboards/runbook#modelmisses"),
    ],
)
def test_a_link_to_a_file_that_has_a_page_leads_to_the_page(tmp_path: Path, link: str, address: str) -> None:
    assert f'href="{address}"' in _html(tmp_path, f"[it]({link})\n")


def test_every_module_of_the_kit_renders() -> None:
    for module in load_all(KIT / "workshop" / "modules"):
        assert "<h2" in render(module, KIT, KNOWN)


def test_a_term_is_explained_where_it_is_used_first_and_not_in_code_links_or_headings(tmp_path: Path) -> None:
    text = "### A ROC\n\nSee `ROC`, [the ROC](https://x.example/) and the ROC curve. A ROC again, and <AUC>.\n"
    html = _html(tmp_path, text)
    assert html.count('popovertarget="term-01-roc"') == 1 and html.count('id="term-01-roc"') == 1
    assert "and the <button" in html and "<code>ROC</code>" in html and "A ROC</h3>" in html
    assert "&lt;<button" in html and "A ROC again" in html

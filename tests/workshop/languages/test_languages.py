"""Languages: who gets which, a catalog of any folder, and pages in a language that the code does not know."""

from __future__ import annotations

import ast
import copy
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from babel.messages.pofile import write_po
from delivery import measures

from tests.workshop.lab.pages.fixtures import browser, lab_of, ran
from workshop.errors import ManifestError
from workshop.guide.module import load_all
from workshop.guide.translations import digest
from workshop.languages import catalog, extract
from workshop.languages.catalog import Sentence
from workshop.languages.choice import choose

KIT = Path(__file__).resolve().parents[3]
PAGES = ["/", "/runs", "/guide/", "/guide/search?q=dvc", "/guide/slides", "/guide/whole", "/guide/02-explore-the-data",
         "/dashboards/", "/dashboards/serving", "/dashboards/runbook", "/measures/delivery", "/measures/costs",
         "/trace/", "/nowhere"]  # fmt: skip


@pytest.mark.parametrize(
    ("accepted", "tag"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans"),
        ("zh", "zh-Hans"),
        ("zh-Hans-SG", "zh-Hans"),
        ("ZH-hans", "zh-Hans"),
        ("zh-TW,en;q=0.5", "en"),
        ("en-GB,zh-CN;q=0.9", "en"),
        ("fr,zh-CN;q=0.5,en;q=0.7", "en"),
        ("fr;q=0.2,zh-CN;q=x,*", "en"),
        ("zh-CN;q=0", "en"),
        ("", "en"),
    ],
)
def test_the_browsers_first_known_language_is_taken(accepted: str, tag: str) -> None:
    assert choose(catalog.languages(), accepted=accepted).tag == tag


def test_a_choice_goes_before_the_browser_and_a_link_before_the_choice() -> None:
    known = catalog.languages()
    assert choose(known, kept="en", accepted="zh-CN").tag == "en"
    assert choose(known, link="zh-Hans", kept="en").tag == "zh-Hans"
    assert choose(known, link="tlh", kept="../..", accepted="zh").tag == "zh-Hans"


def test_a_link_is_kept_in_a_cookie_for_the_next_page(tmp_path: Path) -> None:
    client = browser(lab_of(tmp_path))
    first = client.get("/guide/?lang=zh-Hans")
    assert "workshop-language=zh-Hans; Path=/;" in first.headers["set-cookie"]
    for page in PAGES:
        text = client.get(page).text
        assert '<html lang="zh-Hans">' in text and 'hreflang="en"' in text, page
    assert '<html lang="en">' in client.get("/runs?lang=en").text
    assert '<html lang="en">' in client.get("/runs").text


def test_a_link_to_another_language_keeps_the_rest_of_the_address(tmp_path: Path) -> None:
    page = browser(lab_of(tmp_path)).get("/guide/search?q=dvc+push").text
    assert 'href="?q=dvc+push&amp;lang=zh-Hans"' in page


def test_a_part_that_a_script_polls_has_the_language_of_its_page(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    ran(about.store, "train-and-stage-1", "True", "Succeeded")
    client = browser(about)
    assert "成功" in client.get("/runs?part=live", headers={"Accept-Language": "zh-CN"}).text
    assert "Succeeded" in client.get("/runs?part=live").text


def test_a_translated_module_says_so_and_has_its_labels_in_the_language(tmp_path: Path) -> None:
    page = browser(lab_of(tmp_path)).get("/guide/01-meet-the-lab", headers={"Accept-Language": "zh-CN"}).text
    assert "<h1>认识实验环境</h1>" in page
    assert "检查模块 1" in page and ">复制</button>" in page
    assert "Copy" not in re.sub(r"data-copy", "", page).replace("&#34;Copy", "").replace('"Copy', "")


def test_nearly_all_texts_of_the_pages_are_translated_and_others_are_warnings(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert extract.main(["--check"]) == 0, capsys.readouterr().out
    found = capsys.readouterr().out
    missing = re.search(r"^warning: .*: (\d+) texts are not translated: ", found)
    assert not found or (missing and int(missing[1]) < 0.05 * len(extract.pages())), found


def test_no_text_of_a_script_is_inside_a_template_string_where_the_extraction_does_not_find_it() -> None:
    scripts = [*(KIT / "workshop/lab/pages/static").rglob("*.js"), *(KIT / "seldon/client").rglob("*.js")]
    lines = [line for path in scripts if "esm" not in path.name for line in path.read_text().splitlines()]
    assert [line for line in lines if re.search(r"\$\{[^`]*\b_\(", line) and len(line) < 500] == []


def test_translations_keep_the_placeholders_and_the_elements_of_their_text() -> None:
    for path in catalog.FOLDER.glob(f"*/{catalog.CATALOG}"):
        for message in filter(lambda one: one.id, catalog.catalog(path)):
            english = message.id[-1] if isinstance(message.id, tuple | list) else message.id
            for string in message.string if isinstance(message.string, tuple | list) else (message.string or "",):
                assert not string or parts(string) == parts(english), f"{path}: {english}"


def parts(text: str) -> list[str]:
    return sorted(re.findall(r"%\(\w+\)s|\{\w+[^{}]*\}|</?\w+[^>]*>", text))


def test_a_catalog_that_is_not_one_is_an_error_with_its_path(tmp_path: Path) -> None:
    path = tmp_path / "zh-Hans" / "messages.po"
    path.parent.mkdir()
    path.write_text('msgid "a"\nnonsense\n')
    with pytest.raises(ManifestError, match=rf"{path}: not a catalog"):
        catalog.catalog(path)


def test_a_folder_whose_name_is_no_language_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"klingonish"):
        catalog.locale(tmp_path / "klingonish" / catalog.CATALOG)


def test_the_texts_of_a_new_language_are_collected_for_its_empty_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "la").mkdir()
    monkeypatch.setattr(extract, "FOLDER", tmp_path)
    monkeypatch.setattr(extract, "TEXTS", tmp_path / "texts.json")
    assert extract.main() == 0
    made = catalog.catalog(tmp_path / "la" / catalog.CATALOG)
    assert len(made) == len(extract.pages()) and not any(any(message.string or "") for message in made if message.id)


def test_a_third_language_is_a_folder_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Latin, from a folder that the code does not know: every page is served in it, the client page too."""
    folder = tmp_path / "workshop" / "modules"
    shutil.copytree(KIT / "workshop" / "modules", folder)
    (folder / "la").mkdir()
    made = extract.pages()
    for message in made:
        message.string = message.id if isinstance(message.id, tuple) else f"LA {message.id}"
    made.locale = "la"
    made.add(catalog.OWN_NAME, "Latina")
    with (folder / "la" / catalog.CATALOG).open("wb") as opened:
        write_po(opened, made, include_lineno=False)
    english = load_all(folder)[1]
    text = english.path.read_text().replace("checks: true\n", f"checks: true\nsource: {digest(english)}\n", 1)
    text = text.replace("(../../", "(../../../").replace("title: ", "title: LA ", 1)
    (folder / "la" / english.path.name).write_text(text)

    monkeypatch.setattr(catalog, "FOLDER", folder)
    about = replace(lab_of(tmp_path / "state"), kit=tmp_path)
    for path in ("model", "seldon", "tekton", "notebooks", "grafana", "s2i"):
        (tmp_path / path).symlink_to(KIT / path)
    client = browser(about)
    for page in PAGES:
        shown = client.get(page, headers={"Accept-Language": "la-VA, en;q=0.5"}).text
        assert '<html lang="la">' in shown and "LA MLOps workshop" in shown, page
        assert ">简体中文</a>" in shown and ">English</a>" in shown, page
    module = client.get(f"/guide/{english.name}", headers={"Accept-Language": "la"}).text
    assert f"<h1>LA {english.title}</h1>" in module
    assert 'lang="en"' in client.get("/guide/03", headers={"Accept-Language": "la"}).text, "not translated yet"
    assert '"la": {' in extract.of_the_client({"la": made})


def test_the_texts_of_the_toolbox_in_the_catalogs_are_those_that_it_returns() -> None:
    texts = {title for title, *_ in measures.lines(measures.measured([], "2026-01-01T00:00:00Z"))}
    texts |= {*measures.DEFINITIONS.values(), measures.EXCLUDED}
    assert texts <= {message.id for message in extract.pages()}


def test_a_sentence_is_english_until_it_is_shown_in_a_language() -> None:
    zh = catalog.languages()["zh-Hans"]
    why = Sentence("{asked:,.0f} predictions in a day", asked=1234.0)
    assert why == "1,234 predictions in a day" and json.loads(json.dumps(why)) == why == copy.deepcopy(why)
    assert (catalog.ENGLISH.text(why), zh.text(why)) == (why, "一天内 1,234 次预测")
    both = Sentence(
        "{said}, and the model learned from another version", said=Sentence("you say {answer}", answer="{a}")
    )
    assert zh.text(both) == "你的答案是 {a}，而模型是用另一个版本训练的"


def test_the_texts_of_the_checks_are_marked_for_the_catalogs() -> None:
    found = []
    for file in sorted((KIT / "workshop/checks").glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding":
                texts = [ast.unparse(one) for one in (node.args[0], *node.args[2:3]) if is_unmarked(one)]
                found += [f"{file.name}:{node.lineno}: {text}" for text in texts]
    assert found == []


def is_unmarked(node: ast.expr) -> bool:
    """Whether a text with words is neither N_ nor a Sentence."""
    if isinstance(node, ast.IfExp):
        return is_unmarked(node.body) or is_unmarked(node.orelse)
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    words = " ".join(one.value for one in parts if isinstance(one, ast.Constant) and isinstance(one.value, str))
    return re.search("[a-z]{2,}.*[a-z]{2,}", words) is not None

"""The guide as a site: the diagram, the search, folded answers, and the ledger."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from flights.schema import NAMES

from workshop.errors import ManifestError
from workshop.guide import diagram, ledger, links
from workshop.guide.include import excerpt
from workshop.guide.module import load_all, parse
from workshop.guide.render import ON_A_CLUSTER, render
from workshop.guide.search import search
from workshop.guide.slides import slides
from workshop.participants.names import Participant

KIT = Path(__file__).resolve().parents[3]
MODULES = load_all(KIT / "workshop" / "modules")
FRONT = "---\ntitle: A title\nminutes: 10\nruns-on: lab\nchecks: false\n---\n"


def test_the_picture_only_grows_and_names_what_is_new() -> None:
    names: set[str] = set()
    for number in sorted(int(module.number) for module in MODULES):
        now = {box.name for box in diagram.so_far(number)}
        assert names <= now
        picture = diagram.svg(number)
        for name in now - names:
            assert f"New in this module: {name}" in picture or name in picture.partition("New in this module:")[2]
        names = now
    assert names == {box.name for box in diagram.BOXES.values()}


def test_no_box_hides_another_and_arrows_know_their_boxes() -> None:
    places = [(box.column, box.row) for box in diagram.BOXES.values()]
    assert len(set(places)) == len(places)
    assert {end for arrow in diagram.ARROWS for end in arrow} == set(diagram.BOXES)


def test_the_picture_is_well_formed_and_says_in_words_what_it_shows() -> None:
    root = ElementTree.fromstring(diagram.svg(11))
    svg = next(iter(root))
    assert svg.attrib["role"] == "img"
    assert "New in this module: Production, Approval." in svg.attrib["aria-label"]


def test_the_search_finds_a_command_and_leads_to_its_heading() -> None:
    hits = search(MODULES, "dvc push")
    assert hits and hits[0].module.number == "05"
    page = render(hits[0].module, KIT, {})
    assert f'id="{hits[0].anchor}"' in page
    assert "dvc push" in hits[0].text


def test_the_search_needs_all_words_and_prefers_headings() -> None:
    assert search(MODULES, "approve nonexistentword") == []
    assert search(MODULES, "  ") == []
    assert search(MODULES, "approve it")[0].heading == "Approve it"


def test_an_answer_is_folded_until_it_is_asked_for(tmp_path: Path) -> None:
    page = render(parse(FRONT + "```bash fold=show-it\n$ echo 1\n```\n", tmp_path / "01-a.md"), tmp_path, {})
    assert "<details><summary>Show it</summary>" in page and "echo 1" in page


def test_a_page_of_the_lab_leaves_out_text_for_clusters(tmp_path: Path) -> None:
    text = "```bash only=lab\n$ s2i\n```\n\nBoth.\n\n**On a cluster:** say:\n\n```bash only=cluster\n$ oc x\n```\n"
    page = render(parse(FRONT + text, tmp_path / "01-a.md"), tmp_path, {})
    assert "s2i" in page and "Both." in page
    assert "oc x" not in page and "cluster" not in page


def test_text_before_a_block_for_clusters_is_left_out_with_it() -> None:
    found = [
        (module.path, before)
        for module in MODULES
        for before in re.findall(r"\n\n([^\n]+(?:\n[^\n]+)*)\n\n```bash only=cluster", module.body)
    ]
    assert found
    for path, before in found:
        assert before.startswith(ON_A_CLUSTER) or before.endswith("```"), f"{path}: {before}"


def test_checkboxes_of_a_list_have_text_for_screen_readers(tmp_path: Path) -> None:
    page = render(parse(FRONT + "- [x] one\n- [ ] two\n", tmp_path / "01-a.md"), tmp_path, {})
    assert re.search(r"Done: </span></span>\s*one", page) and re.search(r"Open: </span></span>\s*two", page)
    assert "<input" not in page


# -- what is not run


def test_what_the_lab_does_not_run_is_in_the_ledger_with_its_reason() -> None:
    skipped = {m.number for m in MODULES if any(block.only == "cluster" for block in m.blocks)}
    assert skipped == set(ledger.NOT_RUN)
    assert all(len(reason.split()) > 4 for reason in ledger.NOT_RUN.values())
    assert len(skipped) <= ledger.MOST


def test_no_command_waits_by_a_sentence_and_links_name_their_source() -> None:
    for module in MODULES:
        assert not re.search(r"\$ sleep \d|wait (a few|some|\d+) (seconds|minutes)", module.body, re.I), module.path
        if module.number != "01":
            assert "**Why it matters.**" in module.body and re.search(r"\(https://", module.body), module.path


def test_modules_need_only_modules_before_them() -> None:
    for module in MODULES:
        assert all(number < module.number for number in module.needs), module.path


def _anchors(file: Path) -> set[str]:
    """As a Git host makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", file.read_text(), re.M)
    return {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}


def test_links_to_files_modules_and_headings_lead_somewhere() -> None:
    for path in links.texts():
        for title, target, more in re.findall(r"\[([^]]*)\]\(([^) ]+)([^)]*)\)", path.read_text()):
            if target.startswith(("http", "$")):
                continue
            name, _, anchor = target.partition("#")
            file = path.parent / name if name else path
            assert file.exists(), f"{path}: [{title}]({target})"
            assert not anchor or anchor in _anchors(file), f"{path}: [{title}]({target})"
            assert "include" not in more or excerpt(KIT, path, 1, target, more.strip(' "'))


def test_links_that_lead_out_are_well_formed() -> None:
    found = links.links(links.texts())
    assert len(found) > 10
    assert links.malformed(found) == [], "an https address of a host"
    wrong = ["http://a.org", "https://a", "https://a.org/b c"]
    assert links.malformed(wrong) == wrong


def test_every_notebook_is_run_by_a_module() -> None:
    text = "".join(module.body for module in MODULES)
    for notebook in sorted((KIT / "notebooks").glob("*.ipynb")):
        assert f"$ jupyter execute notebooks/{notebook.name}" in text, f"no module runs {notebook.name}"


# -- slides


def test_the_slides_say_what_the_modules_say() -> None:
    made = slides(MODULES)
    assert {slide.module.number for slide in made} == {module.number for module in MODULES}
    gate = [slide for slide in made if slide.module.number == "07"]
    assert [slide.title for slide in gate] == [
        "Test, and meet the gate",
        "Why it matters",
        "Before you run it",
        "The steps",
    ]
    assert "write a test of how the model must behave" in gate[0].body and "<svg" in gate[0].body
    assert "<a href=" in gate[1].body and "Try to cheat" in gate[3].body
    assert all(slide.body.strip() for slide in made)


# -- what a page says


def test_no_link_of_a_module_opens_the_start_page_of_mlflow() -> None:
    assert not [m.name for m in MODULES if "]($MLFLOW_URL)" in m.body]
    known = Participant("user1").variables({"MLFLOW_URL": "http://127.0.0.1:5000"})
    assert known["EXPERIMENT_URL"] == "http://127.0.0.1:5000/#/experiments/1/runs"
    assert known["REGISTERED_MODEL_URL"] == "http://127.0.0.1:5000/#/models/flight-delay"
    assert "EXPERIMENT_URL" not in Participant("user1").variables({})


@pytest.mark.parametrize("number", ["02", "03", "04"])
def test_a_module_names_the_file_of_its_answers_in_the_text_that_is_always_shown(number: str) -> None:
    module = next(m for m in MODULES if m.number == number)
    shown = re.sub(r"<details>.*?</details>", "", render(module, KIT, {}), flags=re.S)
    assert f"<code>answers/{number}.yaml</code>" in shown
    assert re.search(r"<code>\S+: &lt;number&gt;</code>|<code>name: value</code>", shown)


def test_module_1_says_where_to_type() -> None:
    shown = render(MODULES[0], KIT, {})
    assert all(words in shown for words in ("terminal of this page", "workshop shell", "JupyterLab's terminal"))
    assert shown.index("Choose where to type") < shown.index('class="prompt"')


def test_the_columns_that_module_2_explains_are_columns_of_the_files() -> None:
    module = next(m for m in MODULES if m.number == "02")
    table = [line for line in module.body.splitlines() if line.startswith("| `")]
    named = {name for line in table for name in re.findall(r"`([a-z_]+)`", line.split("|")[1])}
    assert {"sched_dep", "late", "dep_delay"} <= named
    assert named - {"late-percent", "worst-hour", "leak"} <= set(NAMES)


def test_module_8_shows_the_class_and_not_its_surroundings() -> None:
    module = next(m for m in MODULES if m.number == "08")
    line, link = next((n, li) for n, li in enumerate(module.body.splitlines(), 1) if "model/FlightDelay.py" in li)
    title = re.search(r'"(include[^"]*)"', link)
    assert title
    shown = excerpt(KIT, module.path, line, "../../model/FlightDelay.py", title[1]).text
    assert shown.startswith("class FlightDelay:") and "def __init__" in shown and "self._explainer" in shown
    assert "def load" not in shown and "import" not in shown


def test_an_include_of_a_class_that_is_not_there_is_refused() -> None:
    with pytest.raises(ManifestError, match=r"m\.md:3: model/FlightDelay\.py has no class Nope"):
        excerpt(KIT, KIT / "m.md", 3, "model/FlightDelay.py", "include class Nope")

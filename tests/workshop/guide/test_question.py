"""Questions of the modules: how they are written, what a page and a terminal show, and that their answers are true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from delivery.canaryrules import CanaryRules

from workshop.commands.solve import _Shown
from workshop.errors import ManifestError
from workshop.guide.module import Module, load_all, parse
from workshop.guide.question import MARK, beside
from workshop.guide.render import render
from workshop.guide.runner import Ran
from workshop.guide.slides import slides

KIT = Path(__file__).resolve().parents[3]
MODULES = load_all(KIT / "workshop" / "modules")
FRONT = "---\ntitle: A title\nminutes: 10\nruns-on: lab\nchecks: false\n---\n"
NAME = Path("modules/03-train-it.md")
CHOICE = f"""> {MARK} Which `model` is
> better?
>
> - [ ] logistic
> - [x] boosted, <b>by far</b>
>   and always
>
> **Answer.** It has [more](https://example.org) trees.
"""
NUMBER = f"> {MARK} How many?\n>\n> **Answer: 2.5.** Count them.\n"
RUNS = "\n```bash only=cluster\n$ away\n```\n\n```bash\n$ one\n$ two\n```\n"


def module_of(body: str) -> Module:
    return parse(FRONT + body, NAME)


def numbered(number: str) -> Module:
    return next(module for module in MODULES if module.number == number)


def page_of(body: str, **answers: str) -> str:
    return render(module_of(body), KIT, {}, answers={int(key[1:]): value for key, value in answers.items()})


# -- how a question is written


def test_a_question_has_choices_or_asks_for_a_number() -> None:
    choice, number = module_of(f"Text.\n\n{CHOICE}\n{NUMBER}").questions
    assert choice.text == "Which `model` is\nbetter?" and choice.line == 9
    assert choice.choices == ("logistic", "boosted, <b>by far</b> and always") and choice.answer == "2"
    assert choice.reason == "It has [more](https://example.org) trees."
    assert (number.text, number.choices, number.answer, number.reason) == ("How many?", (), "2.5", "Count them.")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"> {MARK} Why?\n", ":7: the question has no answer"),
        (f"> {MARK} Why?\n>\n> **Answer.** So.\n", ":7: the question has no choices"),
        (CHOICE.replace("[x]", "[ ]"), ":7: the question has 2 choices and 0 of them right"),
        (CHOICE.replace("[ ]", "[x]"), ":7: the question has 2 choices and 2 of them right"),
        (CHOICE.replace("> - [ ] logistic\n", ""), ":7: the question has 1 choices"),
        (CHOICE.replace("**Answer.**", "**Answer: 2.**"), ":7: the question has 2 choices"),
    ],
)
def test_a_question_without_one_right_answer_is_refused_with_file_and_line(text: str, words: str) -> None:
    with pytest.raises(ManifestError) as refused:
        module_of(text)
    assert words in str(refused.value) and "03-train-it.md" in str(refused.value)


@pytest.mark.parametrize(
    ("given", "choice", "number"),
    [("1", True, True), ("2", True, True), ("3", False, True), ("0", False, True), ("-0.25", False, True)]
    + [(wrong, False, False) for wrong in ("", "one", "1e5", "1" * 20, "٣", "1\n", "<b>")],
)
def test_an_answer_is_the_number_of_a_choice_or_a_number(given: str, choice: bool, number: bool) -> None:
    asked = module_of(f"{CHOICE}\n{NUMBER}").questions
    assert [each.accepts(given) for each in asked] == [choice, number]


def test_a_number_is_right_within_a_tenth_and_a_choice_exactly() -> None:
    choice, number = module_of(f"{CHOICE}\n{NUMBER}").questions
    assert [given for given in ("1", "2", "9", "2.0") if choice.right(given)] == ["2"]
    assert [given for given in ("2.2", "2.25", "2.75", "2.8", "", "x") if number.right(given)] == ["2.25", "2.75"]


# -- what is shown


def test_a_page_shows_the_choices_and_hides_the_answer_until_it_is_asked_for() -> None:
    page = page_of(CHOICE)
    form = re.search(r'<form class="question" data-module="03" data-question="1">.*</form>', page, re.S)
    assert form and page.count('type="radio"') == 2 and "<blockquote>" not in page
    shown, _, hidden = form[0].partition("<details>")
    assert "<code>model</code>" in shown and "trees" not in shown and " checked" not in shown
    assert "It has <a" in hidden and "&lt;b&gt;by far&lt;/b&gt;" in hidden
    assert '<p class="given" hidden>' in hidden


def test_the_readers_answer_is_shown_beside_the_right_one() -> None:
    page = page_of(f"{CHOICE}\n{NUMBER}", q1="1", q2="7")
    assert 'value="1" required checked>' in page and 'value="7"' in page
    assert page.count('<p class="given">') == 2 and "Your answer: <b>logistic</b>" in page
    assert "The answer: <b>2.5</b>" in page and "Your answer: <b>7</b>" in page


@pytest.mark.parametrize("given", ["9", "<script>", '" onfocus="x'])
def test_an_answer_that_is_none_is_not_shown(given: str) -> None:
    assert page_of(f"{CHOICE}\n{NUMBER}", q1=given, q2=given.replace("9", "x")) == page_of(f"{CHOICE}\n{NUMBER}")


def test_a_question_has_a_slide_and_the_reason_of_the_module_has_another() -> None:
    module = module_of(f"## You will\n\n## Here\n\n## Steps\n\n> **Why it matters.** It does.\n> So.\n\n{CHOICE}")
    made = slides([module])
    assert [slide.title for slide in made] == ["A title", "Why it matters", "Before you run it", "The steps"]
    assert made[1].body == "<p>It does.\nSo.</p>\n"
    assert "boosted" in made[2].body.partition("<details>")[0] and "trees" in made[2].body.partition("<details>")[2]


def test_a_terminal_prints_the_question_before_the_block_and_the_answer_after_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    module = module_of(CHOICE + RUNS)
    shown = _Shown(module, "lab")
    for command in module.blocks[1].commands:
        shown.typed(command)
        shown.printed(Ran(command.line, command.text, f"printed by {command.text}", 0, 0.1))
    printed = [line.strip() for line in capsys.readouterr().err.splitlines()]
    assert printed[0] == "? Which `model` is better?" and printed[1] == "1. logistic"
    assert printed[3:6] == ["$ one", "printed by one", "$ two"]
    assert printed[7].startswith("= boosted, <b>by far</b> and always: It has")


def test_a_question_belongs_to_the_next_block_that_runs_here() -> None:
    module = module_of(CHOICE + RUNS)
    assert [list(beside(module.questions, module.blocks, where)) for where in ("lab", "cluster")] == [[21], [17]]
    assert beside(module.questions, (), "lab") == {}


# -- the kit's questions


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
@pytest.mark.parametrize("where", ["lab", "cluster"])
def test_every_module_asks_before_a_block_of_commands(module: Module, where: str) -> None:
    found = beside(module.questions, module.blocks, where)
    assert module.questions and sum(len(asked) for _, asked in found.values()) == len(module.questions)
    assert all(len(asked.reason.split()) > 10 for asked in module.questions)


@pytest.mark.parametrize(
    ("number", "question", "shown"),
    [
        ("02", 1, "worst-hour: 21"),
        ("04", 1, "helps: weather"),
        ("04", 2, "algorithm: boosted"),
        ("15", 1, '"feature":"origin"'),
        ("17", 1, "caught by Task fetch-data"),
    ],
)
def test_an_answer_is_what_the_commands_of_the_module_show(number: str, question: int, shown: str) -> None:
    module = numbered(number)
    asked = module.questions[question - 1]
    right = asked.shown(asked.answer).replace("`", "").split(",")[0].split()[0]
    assert right in shown, "the answer of the question"
    lines = [line for block in module.blocks for c in block.commands for line in (c.text, *c.expected)]
    assert any(shown in line for line in lines), "what the end-to-end test of the module sees"


def test_numbers_of_answers_are_those_of_the_files_that_decide_them() -> None:
    given = yaml.safe_load((KIT / "model" / "params.yaml").read_text())
    assert numbered("09").questions[0].answer == str(len(given["candidates"]))
    assert numbered("11").questions[0].answer == str(CanaryRules().steps[0])
    assert "the gate asks for 50" in numbered("07").questions[0].reason and given["gate"]["min_recall"] == 0.5
    printed = [line for block in numbered("06").blocks for each in block.commands for line in each.expected]
    assert any(line.startswith("boosted   auc 0.7560") for line in printed)
    assert "to 0.7560" in numbered("06").questions[0].reason

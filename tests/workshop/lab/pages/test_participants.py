"""Several participants of a lab: a token opens pages about its own namespaces, and the board is the instructor's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.workshop.lab.pages.fixtures import HERE, check_found, lab_of, log_in, pipeline_run, task_run, visitor
from workshop.checks import CHECKS
from workshop.lab.kinds import built_in
from workshop.lab.lab import Lab
from workshop.lab.progress import progress
from workshop.lab.room import Room, numbered


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return lab_of(tmp_path, people=Room(numbered(3)))


def board_of(lab: Lab) -> str:
    return str(visitor(lab, lab.instructors[0].token).get("/board").text)


def test_each_token_opens_the_pages_of_its_participant(lab: Lab) -> None:
    for view in lab.views:
        page = visitor(lab, view.token).get("/").text
        name = view.participant.name
        assert f"{name}-production" in page and f'<span class="who">{name}</span>' in page
        others = [one.participant.name for one in lab.views if one is not view]
        assert not any(f"{other}-production" in page for other in others)


def test_a_session_belongs_to_the_participant_who_logged_in(lab: Lab) -> None:
    second = lab.views[1]
    client = visitor(lab, second.token)
    client.headers.pop("Authorization")
    answer = client.post("/login", json={"token": second.token}, headers={"Origin": HERE})
    assert answer.status_code == 200
    assert "user2-production" in client.get("/").text


def test_a_participant_does_not_see_the_runs_and_logs_of_another(lab: Lab) -> None:
    run = pipeline_run(lab.store, "mine", [{"name": "one"}])
    task_run(lab, run, "one", {"do": None}, logs={"do": "a secret of user1"})
    paths = ["/runs/user1-dev/mine", "/runs/user1-dev/mine/events", "/logs/user1-dev/mine-one-pod/step-do"]
    mine, other = visitor(lab, lab.token), visitor(lab, lab.views[1].token)
    assert mine.get(paths[0]).status_code == 200 and "a secret" in mine.get(paths[2]).text
    for path in paths:
        answer = other.get(path)
        assert answer.status_code == 404 and "a secret" not in answer.text
    assert "mine" in mine.get("/runs").text and "user1-dev" not in other.get("/runs").text


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
@pytest.mark.parametrize("path", ["/board", "/board?part=live"])
def test_participants_get_403_in_place_of_the_board(lab: Lab, path: str, accept: str) -> None:
    for view in lab.views:
        client = visitor(lab, view.token)
        answer = client.get(path, headers={"Accept": accept})
        assert answer.status_code == 403 and "The board is the instructor" in answer.text
        assert client.post("/board/helped/user1").status_code == 403


def test_the_instructor_sees_the_runs_of_all_and_has_no_rights_of_a_participant(lab: Lab) -> None:
    pipeline_run(lab.store, "theirs", [{"name": "one"}])
    client = visitor(lab, lab.instructors[0].token)
    assert client.get("/", follow_redirects=False).headers["location"] == "/board"
    assert client.get("/runs/user1-dev/theirs").status_code == 200 and "theirs" in client.get("/runs").text
    assert client.get("/guide/").status_code == 404
    user = lab.instructors[0].user
    assert user.name == "instructor" and user.groups == ()


def test_progress_of_one_participant_is_not_that_of_another(lab: Lab) -> None:
    second = lab.views[1]
    visitor(lab, second.token).post("/guide/api/check/01")
    assert "01" in progress(lab.store, second.participant).modules
    assert progress(lab.store, lab.participant).modules == {}


def test_the_board_shows_where_each_participant_is_and_what_checks_find(lab: Lab) -> None:
    check_found(lab, "01", 0, 3)
    check_found(lab.views[1], "02", 2, 3)
    page = board_of(lab)
    assert f"1/{len(CHECKS)}" in page and "task 0 of module 02" in page and "1 check failed" in page
    assert page.count("not begun") == 1, "user3 has done nothing"


def test_a_request_for_help_is_on_the_board_until_it_is_answered(lab: Lab) -> None:
    participant = visitor(lab, lab.views[1].token)
    asked = participant.post("/guide/api/help", json={"module": "03", "text": "<script>alert(1)</script>"})
    assert asked.json()["help"]["module"] == "03"
    page = board_of(lab)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page and "<script>alert" not in page
    assert 'data-helped="user2"' in page
    instructor = visitor(lab, lab.instructors[0].token)
    assert instructor.post("/board/helped/user2").status_code == 204
    assert 'data-helped="user2"' not in board_of(lab)
    assert participant.get("/guide/api/help").json()["help"]["helped"] > 0


def test_a_participant_takes_a_request_back(lab: Lab) -> None:
    participant = visitor(lab, lab.token)
    participant.post("/guide/api/help", json={"module": "03"})
    assert participant.delete("/guide/api/help").json() == {"help": None}
    assert "data-helped" not in board_of(lab)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"module": "77"}', 404),
        (b'{"module": 3}', 400),
        (b"{", 400),
        (b'{"module": "03", "text": "' + b"x" * 5000 + b'"}', 413),
    ],
)
def test_a_wrong_request_for_help_is_refused_with_a_reason(lab: Lab, body: bytes, code: int) -> None:
    answer = visitor(lab, lab.token).post("/guide/api/help", content=body)
    assert answer.status_code == code and answer.json()["error"]


def test_an_answer_to_a_question_is_kept_and_the_page_shows_it(lab: Lab) -> None:
    participant = visitor(lab, lab.views[1].token)
    given = participant.post("/guide/api/answer", json={"module": "02", "question": 1, "answer": "3"})
    assert given.json() == {"answers": {"1": "3"}}
    assert 'value="3" required checked>' in participant.get("/guide/02-explore-the-data").text
    assert progress(lab.store, lab.participant).answers == {}, "another participant has not answered"


def test_the_board_ranks_who_predicted_best_once_somebody_has_answered(lab: Lab) -> None:
    assert "Who predicts best" not in board_of(lab)
    for view, answer in zip(lab.views, ("1", "4"), strict=False):
        visitor(lab, view.token).post("/guide/api/answer", json={"module": "02", "question": 1, "answer": answer})
    ranked = board_of(lab).partition("Who predicts best")[2]
    assert ranked.index("user2") < ranked.index("user1") and "1 of 1 right" in ranked and "0 of 1 right" in ranked


def test_the_guide_shows_the_data_dictionary(lab: Lab) -> None:
    page = visitor(lab, lab.token).get("/guide/data").text
    assert "<td><code>dep_delay</code></td>" in page and "minutes after midnight" in page


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"module": "77", "question": 1, "answer": "1"}', 404),
        (b'{"module": "02", "question": 0, "answer": "1"}', 404),
        (b'{"module": "02", "question": 9, "answer": "1"}', 404),
        (b'{"module": "02", "question": 1, "answer": "5"}', 400),
        (b'{"module": "02", "question": 1}', 400),
        (b'{"module": "02", "question": 1, "answer": "' + b"1" * 5000 + b'"}', 413),
    ],
)
def test_a_wrong_answer_to_the_server_is_refused_with_a_reason(lab: Lab, body: bytes, code: int) -> None:
    answer = visitor(lab, lab.token).post("/guide/api/answer", content=body)
    assert answer.status_code == code and answer.json()["error"]
    assert progress(lab.store, lab.participant).answers == {}


def test_the_instructor_cannot_mark_somebody_who_is_not_there(lab: Lab) -> None:
    answer = visitor(lab, lab.instructors[0].token).post("/board/helped/user9")
    assert answer.status_code == 404 and "user9" in answer.json()["error"]


def test_a_failed_run_is_on_the_board_with_the_line_that_says_why(lab: Lab) -> None:
    run = pipeline_run(lab.store, "broken", [{"name": "gate"}], status="False", reason="Failed")
    task_run(lab, run, "gate", {"check": 1}, logs={"check": "ERROR: the model is worse than the champion\n"})
    page = board_of(lab)
    assert '<a href="/runs/user1-dev/broken">' in page and "<strong>gate</strong>" in page
    assert "the model is worse than the champion" in page


def test_the_quota_of_a_namespace_is_on_the_board(lab: Lab) -> None:
    kind = built_in("ResourceQuota")
    made = lab.store.create(kind, {"metadata": {"name": "participant", "namespace": "user3-dev"}, "spec": {}})
    lab.store.update_status(kind, {**made, "status": {"hard": {"pods": "20"}, "used": {"pods": "19"}}})
    assert "95 %" in board_of(lab)


def test_one_participant_has_no_name_in_the_header(tmp_path: Path) -> None:
    alone = lab_of(tmp_path)
    client = visitor(alone, alone.token)
    assert 'class="who"' not in client.get("/").text
    log_in(client)

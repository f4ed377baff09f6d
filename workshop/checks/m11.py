"""Module 11, promote: a tag started it, a person approved it, and production serves the digest that staging tested.

A request of the participant's own has two flights that differ in one column, and production answers them differently.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workshop.checks import answers, production, runs
from workshop.checks.finding import CheckContext, Editor, Finding
from workshop.checks.git import git, root
from workshop.checks.serving import serving
from workshop.cluster.jsonhttp import ask
from workshop.languages.catalog import N_, Sentence
from workshop.manifests.objects import Object, annotations_of, name_of, status_of, succeeded

TAGS = "v*"
REF = "mlops-workshop/ref"
APART = 0.2
"""How far the probabilities of the two flights are apart at least."""
_TAGGED, _RAN, _APPROVED, _SERVES, _ASKED = (
    N_("the Git server has your tag"),
    N_("the tag has started a promotion, and it went well"),
    N_("a person has approved it"),
    N_("production serves what the tag's commit built"),
    N_("you found a column that makes a difference to production"),
)


def check(context: CheckContext) -> list[Finding]:
    """Tagged, ran, approved, serves, asked."""
    tags = _tags(context)
    if not tags:
        return [
            Finding(
                _TAGGED,
                False,
                Sentence("origin has no tag {tags} on a commit of yours", tags=TAGS),
                "git tag v1 && git push origin v1",
            ),
            *(Finding(task, False, N_("it needs the tag"), "") for task in (_RAN, _APPROVED, _SERVES, _ASKED)),
        ]
    tagged = Finding(_TAGGED, True, ", ".join(f"{tag} = {commit[:8]}" for tag, commit in tags.items()))
    run, why = _promoted(context, tags)
    if run is None:
        later = (Finding(task, False, N_("it needs the promotion"), "") for task in (_APPROVED, _SERVES, _ASKED))
        return [tagged, Finding(_RAN, False, why, "workshop follow promote"), *later]
    ran = Finding(_RAN, True, name_of(run))
    return [tagged, ran, _approved(context, run), _serves(context, tags), _asked(context)]


def reset(context: CheckContext, editor: Editor) -> list[str]:
    """Delete the tags, here and on the server, reject a promotion that waits, and end a canary in progress.

    Production keeps its digest and the records of its runs.
    """
    said = [production.reject(context, name_of(task), "module 11 was taken back") for task in _waiting(context)]
    if "canary" in production.predictors(context):
        said.append(production.roll_back(context, "module 11 was taken back"))
    for tag in git(context, "tag", "--list", TAGS).split():
        git(context, "tag", "--delete", tag)
        git(context, "push", "--quiet", "origin", "--delete", f"refs/tags/{tag}")
        said.append(f"deleted the tag {tag}")
    return said + answers.put_documents_aside(context, [file for file, _ in _pairs(context)])


def _waiting(context: CheckContext) -> list[Object]:
    """The approvals of promotions that nobody has answered."""
    tasks = context.cluster.list("ApprovalTask", context.namespace("production"))
    return [task for task in tasks if status_of(task).get("state") == "pending"]


def _tags(context: CheckContext) -> dict[str, str]:
    """The server's tags on the participant's commits."""
    lines = git(context, "ls-remote", "--tags", "origin", f"refs/tags/{TAGS}").splitlines()
    found = {ref.removeprefix("refs/tags/"): commit for commit, _, ref in (line.partition("\t") for line in lines)}
    return {tag: commit for tag, commit in found.items() if not tag.endswith("^{}") and commit != root(context)}


def _promoted(context: CheckContext, tags: dict[str, str]) -> tuple[Object | None, str]:
    why = N_("no push of a tag has started a promotion")
    for run in runs.newest_first(context, runs.PROMOTE):
        ref = annotations_of(run).get(REF, "").removeprefix("refs/tags/")
        if ref not in tags:
            continue
        if succeeded(run):
            return run, ""
        why = runs.described(run)
    return None, why


def _approved(context: CheckContext, run: Object) -> Finding:
    for task in context.cluster.list("ApprovalTask", context.namespace("production")):
        if not str(task["metadata"]["name"]).startswith(name_of(run)):
            continue
        who = [
            str(one.get("name"))
            for one in status_of(task).get("approversResponse") or []
            if one.get("response") == "approved"
        ]
        if who:
            return Finding(_APPROVED, True, Sentence("by {who}", who=", ".join(who)))
    hint = f"oc get approvaltask -n {context.namespace('production')}"
    return Finding(_APPROVED, False, Sentence("{run} was not approved", run=name_of(run)), hint)


def _serves(context: CheckContext, tags: dict[str, str]) -> Finding:
    built = {
        runs.results(run).get("image-digest", "")
        for run in runs.newest_first(context, runs.PIPELINE)
        if succeeded(run) and runs.results(run).get("commit") in tags.values()
    }
    there = serving(context, "production")
    if not there & built:
        shown = sorted(there)[0][:19] if there else Sentence("nothing")
        return Finding(
            _SERVES, False, Sentence("production serves {shown}", shown=shown), "git tag v2 && git push origin v2"
        )
    return Finding(_SERVES, True, sorted(there & built)[0][:19])


def _pairs(context: CheckContext) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The participant's requests of two rows."""
    for file, content in answers.documents(context.clone):
        data = content.get("data")
        if isinstance(data, dict) and isinstance(data.get("ndarray"), list) and isinstance(data.get("names"), list):
            yield file, content


def _asked(context: CheckContext) -> Finding:
    why = N_("no JSON file in answers/ is a request with two flights")
    for file, request in _pairs(context):
        try:
            seen = _difference(context.values.get("PRODUCTION_URL", ""), request)
        except (OSError, ValueError) as error:
            why = f"{file.name}: {error}"
            continue
        if seen.size >= APART:
            return Finding(_ASKED, True, Sentence("{name}: {seen}", name=file.name, seen=seen.sentence))
        why = Sentence("{name}: {seen}, and {apart} is asked for", name=file.name, seen=seen.sentence, apart=APART)
    return Finding(_ASKED, False, why, N_("seldon/requests/flight.json is a request with one flight"))


@dataclass(frozen=True)
class _Difference:
    column: str
    before: float
    after: float

    @property
    def size(self) -> float:
        return abs(self.after - self.before)

    @property
    def sentence(self) -> Sentence:
        return Sentence(
            "{column} changes the probability from {before:.2f} to {after:.2f}",
            column=self.column, before=self.before, after=self.after,
        )  # fmt: skip


def _difference(url: str, request: dict[str, Any]) -> _Difference:
    """What production answers to two rows that differ in one column. Raises ValueError, OSError."""
    names, rows = request["data"]["names"], request["data"]["ndarray"]
    if len(rows) != 2 or not all(isinstance(row, list) and len(row) == len(names) for row in rows):
        raise ValueError(f"two rows of {len(names)} values are needed")
    changed = [name for name, one, other in zip(names, *rows, strict=True) if one != other]
    if len(changed) != 1:
        raise ValueError(f"the rows differ in {len(changed)} columns, and one is allowed")
    given = ask(url, json.dumps({"data": request["data"]}).encode())
    try:
        before, after = (float(row[-1]) for row in given.json["data"]["ndarray"])
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ValueError(f"production answers {given.status}: {given.text[:200]}") from error
    return _Difference(str(changed[0]), before, after)

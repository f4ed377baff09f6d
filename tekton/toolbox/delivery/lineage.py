"""From a prediction back to its data, and from data forward to what it serves.

`Known` is what cluster and MLflow have; this module does not read them. A `Way` is one way from data to an image: the
PipelineRun, its commit and data, the version and its MLflow run, the digest, and the releases and predictors that have
it. `traced` finds the ways that a text names: a prediction (its puid), a digest, a version, a commit, a PipelineRun,
a data file or a version of the data, an MLflow run. What is missing on a way is named in its `gaps`.

A puid that the model server made has 32 hex digits and begins with 12 of the image's digest
(s2i/server/modelserver/http.py), so it needs no storage.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from delivery import provenance
from delivery.errors import DeliveryError
from delivery.history import Entry

PUID_DIGITS, IMAGE_DIGITS = 32, 12
SHOWN_METRICS = ("auc", "rmse", "recall", "precision", "f1", "brier")
SHORTEST = 7
"""Fewer hex digits name no commit, digest or data."""
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_HEX = re.compile(r"[0-9a-f]+")
ALTERNATIVE = "the answer's meta.requestPath has the image; workshop trace --at TIME says what was in production"


@dataclass(frozen=True, slots=True)
class Version:
    """A version in MLflow's registry, with its run's id, metrics and PipelineRun."""

    number: str
    run_id: str
    tags: Mapping[str, str] = field(default_factory=dict)
    aliases: Sequence[str] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    pipeline_run: str = ""


@dataclass(frozen=True, slots=True)
class Predictor:
    """What serves: the stage, the predictor, the digest and version, and its percentage of the requests."""

    stage: str
    name: str
    digest: str
    version: str
    traffic: int = 100
    shadow: bool = False

    @property
    def text(self) -> str:
        """In words."""
        share = "gets copies" if self.shadow else f"{self.traffic} %"
        return f"{self.stage}: {self.name}, {share}"


@dataclass(frozen=True, slots=True)
class Known:
    """What could be read. `missing` says in sentences what could not; `key` verifies statements."""

    entries: Sequence[Entry] = ()
    runs: Sequence[Mapping[str, Any]] = ()
    serving: Sequence[Predictor] = ()
    versions: Sequence[Version] = ()
    missing: Sequence[str] = ()
    key: ec.EllipticCurvePublicKey | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """One way from data to an image; empty where something is not known. `gaps` are sentences about that."""

    digest: str = ""
    version: str = ""
    commit: str = ""
    data_version: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    run: str = ""
    pipeline: str = ""
    namespace: str = ""
    ended: str = ""
    state: str = ""
    gate: str = ""
    statement: str = ""
    verified: bool = False
    """Whether the key has signed the run's statement."""
    releases: Sequence[Entry] = ()
    serves: Sequence[Predictor] = ()
    experiment: Version | None = None
    gaps: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Trace:
    """What was asked for, what that is, and its ways; `notes` are sentences about what could not be read."""

    asked: str
    what: str
    ways: Sequence[Way]
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of a way. `refers` says what `to` names: run (namespace/name), release (its run), experiment (run id)."""

    name: str
    text: str
    refers: str = ""
    to: str = ""


def facts(way: Way) -> list[Fact]:
    """The facts of a way, from the release to the data."""
    found = [Fact("image", way.digest)] if way.digest else []
    found += [Fact("serves", one.text) for one in way.serves]
    for entry in reversed(way.releases):
        span = f"since {entry.since}" if entry.current else f"{entry.since or 'never alone'} to {entry.until}"
        by = f", by {entry.by}" if entry.by else ""
        found.append(Fact("release", f"version {entry.model_version}, {span}: {entry.came}{by}", "release", entry.run))
        if entry.left:
            found.append(Fact("left", entry.left))
    if way.run:
        ended = f" {way.ended}" if way.ended else ""
        text = f"{way.run} ({way.pipeline or 'no Pipeline'}), {way.state}{ended}"
        found.append(Fact("run", text, "run", f"{way.namespace}/{way.run}"))
        found += [Fact("gate", way.gate)] if way.gate else []
        found += [Fact("statement", way.statement)] if way.digest else []
    found += [Fact("commit", way.commit)] if way.commit else []
    if way.data_version:
        found.append(Fact("data", f"version {way.data_version}" + (f": {_listed(way.files)}" if way.files else "")))
    if way.version:
        found.append(_model(way))
    return found + [Fact("missing", one) for one in way.gaps]


def _listed(files: Mapping[str, str]) -> str:
    names = sorted(name.rpartition("/")[2] for name in files)
    return names[0] if len(names) == 1 else f"{len(names)} files, {names[0]} to {names[-1]}"


def _model(way: Way) -> Fact:
    one = way.experiment
    if one is None:
        return Fact("model", f"version {way.version}")
    alias = f", {' and '.join(one.aliases)}" if one.aliases else ""
    metrics = ", ".join(f"{name} {one.metrics[name]:.4g}" for name in SHOWN_METRICS if name in one.metrics)
    text = f"version {way.version}{alias}, MLflow run {one.run_id}{': ' + metrics if metrics else ''}"
    return Fact("model", text, "experiment", one.run_id)


def ways(known: Known) -> list[Way]:
    """All ways: of the PipelineRuns, then of digests and versions whose run is not there any more."""
    found = [way for run in known.runs if (way := _of_run(run, known.key))]
    digests = {way.digest for way in found}
    for entry in reversed(known.entries):
        if entry.digest not in digests:
            digests.add(entry.digest)
            found.append(Way(digest=entry.digest, version=entry.model_version, commit=entry.git_commit,
                             data_version=entry.data_version))  # fmt: skip
    for one in known.serving:
        if one.digest and one.digest not in digests:
            digests.add(one.digest)
            found.append(Way(digest=one.digest, version=one.version))
    numbers = {way.version for way in found}
    found += [Way(version=one.number) for one in known.versions if one.number not in numbers]
    return [_completed(way, known) for way in found]


def traced(text: str, known: Known) -> Trace:
    """The ways that a text names. DeliveryError when nothing is known by that name, with what may be named."""
    asked = text.strip()
    every = ways(known)
    word = asked.lower()
    digest = _DIGEST.search(word)
    if digest:
        return _found(asked, "an image", [way for way in every if way.digest == digest.group()], known)
    if re.fullmatch(r"v?\d{1,6}", word):
        number = word.removeprefix("v")
        return _found(asked, f"model version {number}", [way for way in every if way.version == number], known)
    named = [way for way in every if asked and asked == way.run]
    if named:
        return _found(asked, "a PipelineRun", named, known)
    promoted = [way for way in every if any(asked and asked == one.run for one in way.releases)]
    if promoted:
        return _found(asked, "the PipelineRun of a release", promoted, known)
    if file := _of_file(asked, every):
        return _found(asked, f"the data file {asked}", file, known)
    return _of_hex(asked, word.removeprefix("sha256:"), every, known)


def of_answer(text: str) -> str:
    """What an answer of Seldon's protocol names: its image by digest, else its puid. DeliveryError."""
    try:
        meta = json.loads(text)["meta"]
        images = [str(one) for one in (meta.get("requestPath") or {}).values()]
        image = next((one for one in images if _DIGEST.search(one)), "")
        found = image or str(meta.get("puid") or "")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DeliveryError(
            f"this is no answer of a model: {type(error).__name__}: {error}; allowed: JSON with meta", next=_ASK
        ) from error
    if not found:
        raise DeliveryError("the answer has no image by digest in meta.requestPath and no puid", next=_ASK)
    return found


_ASK = 'curl -s "$PRODUCTION_URL" -H "Content-Type: application/json" -d @seldon/requests/flight.json > answer.json'


def of_file(name: str, md5: str, known: Known) -> Trace:
    """The ways whose model learned from exactly this content of a data file, or was tested on it."""
    every = ways(known)
    same = [way for way in every if md5 in way.files.values()]
    others = [way for way in _of_file(name, every) if way not in same]
    notes = [f"{len(others)} runs used another content of {name}"] if others else []
    if not same:
        raise DeliveryError(
            f"no run that is known has used {name} with this content, MD5 {md5}" + "".join(f"; {one}" for one in notes),
            next="workshop run tekton/runs/train-and-stage.yaml uses what Git names",
        )
    return Trace(name, f"the data file {name}, MD5 {md5}", same, [*notes, *known.missing])


def at(moment: datetime, known: Known) -> Trace:
    """What was in production at a moment, and its way. DeliveryError for a moment without production, or to come."""
    text = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if moment > datetime.now(UTC):
        raise DeliveryError(
            f"{text} is in the future; allowed: a time that has passed", next="date -u +%Y-%m-%dT%H:%MZ"
        )
    was = [one for one in known.entries if one.since]
    found = next((one for one in reversed(was) if one.since <= text and (not one.until or text < one.until)), None)
    if found is None:
        begins = f"its history begins at {was[0].since}" if was else "it has no history"
        raise DeliveryError(f"production ran nothing at {text}: {begins}", next="workshop history")
    what = f"production at {text}: version {found.model_version}, {found.came}"
    own = [replace(way, releases=[found]) for way in ways(known) if way.digest == found.digest]
    return Trace(text, what, own, list(known.missing))


def _of_hex(asked: str, word: str, every: Sequence[Way], known: Known) -> Trace:
    """What begins with these hex digits: an MLflow run, data, a commit, an image, or a prediction's puid."""
    if _HEX.fullmatch(word) and len(word) >= SHORTEST:
        kinds = (
            ("an MLflow run", [way for way in every if way.experiment and way.experiment.run_id.startswith(word)]),
            ("the content of a data file", [way for way in every if word in way.files.values()]),
            ("a version of the data", [way for way in every if way.data_version.startswith(word)]),
            ("a commit", [way for way in every if way.commit.startswith(word)]),
            ("an image", [way for way in every if way.digest.removeprefix("sha256:").startswith(word)]),
        )
        for what, found in kinds:
            if found:
                return _found(asked, what, found, known)
        if len(word) == PUID_DIGITS:
            made = [way for way in every if way.digest.removeprefix("sha256:").startswith(word[:IMAGE_DIGITS])]
            if made:
                return _found(asked, "a prediction, by its puid", made, known)
            raise DeliveryError(
                f"no image is known that begins with {word[:IMAGE_DIGITS]}: a caller chose the puid {word}, or its "
                "image is older than the history and the PipelineRuns",
                next=ALTERNATIVE,
            )
    raise DeliveryError(
        f"nothing is known as {asked[:128]!r}; allowed: a puid that the server made, a digest, a model version, a "
        "commit, a PipelineRun, a data file, a version of the data, an MLflow run. A puid that a caller chose cannot "
        "be traced",
        next=ALTERNATIVE,
    )


def _found(asked: str, what: str, own: Sequence[Way], known: Known) -> Trace:
    if not own:
        raise DeliveryError(
            f"{asked} ({what}) is not known" + "".join(f"; {one}" for one in known.missing), next="workshop history"
        )
    return Trace(asked, what, own, list(known.missing))


def _of_file(name: str, every: Sequence[Way]) -> list[Way]:
    """Ways with a data file of this name, by its last part and with or without DVC's ending."""
    last = name.rpartition("/")[2].removesuffix(".dvc")
    return [way for way in every if last and any(file.rpartition("/")[2] == last for file in way.files)]


def _of_run(run: Mapping[str, Any], key: ec.EllipticCurvePublicKey | None) -> Way | None:
    """The way of a PipelineRun; None for one that has checked out no commit."""
    status = run.get("status") or {}
    results = {str(one["name"]): one.get("value") for one in status.get("results") or []}
    if not results.get("commit"):
        return None
    condition: Mapping[str, Any] = next(
        (one for one in status.get("conditions") or [] if one.get("type") == "Succeeded"), {}
    )
    try:
        files = {str(name): str(md5) for name, md5 in json.loads(str(results.get("data-files") or "{}")).items()}
    except (ValueError, AttributeError):
        files = {}
    statement, verified = _statement(run, key)
    mode, passed = results.get(provenance.GATE_MODE), results.get(provenance.GATE_PASSED)
    return Way(
        digest=str(results.get(provenance.IMAGE_DIGEST) or results.get("image-digest") or ""),
        version=str(results.get("model-version") or ""),
        commit=str(results["commit"]),
        data_version=str(results.get("data-version") or ""),
        files=files,
        run=str(run["metadata"]["name"]),
        namespace=str(run["metadata"].get("namespace") or ""),
        pipeline=str(((run.get("spec") or {}).get("pipelineRef") or {}).get("name") or ""),
        ended=str(status.get("completionTime") or ""),
        state={"True": "succeeded", "False": "failed"}.get(str(condition.get("status")), "running"),
        gate=f"{mode}, {'passed' if passed == 'true' else 'not passed' if passed == 'false' else passed}"
        if mode
        else "",
        statement=statement,
        verified=verified,
    )


def _statement(run: Mapping[str, Any], key: ec.EllipticCurvePublicKey | None) -> tuple[str, bool]:
    """What its statement of provenance is worth, in words, and whether the key has signed it."""
    try:
        provenance.statement_of(run, key)
    except DeliveryError as error:
        return error.message, False
    if key is None:
        return "a statement is there; without CHAINS_PUBLIC_KEY it is not verified", False
    return f"the signature is verified, key {provenance.fingerprint(key)}", True


def _completed(way: Way, known: Known) -> Way:
    """The way with its releases, predictors and MLflow run, and with what is missing."""
    releases = [one for one in known.entries if way.digest and one.digest == way.digest]
    serves = [one for one in known.serving if way.digest and one.digest == way.digest]
    experiment = next((one for one in known.versions if one.number == way.version), None)
    tags = experiment.tags if experiment else {}
    way = replace(
        way, releases=releases, serves=serves, experiment=experiment,
        commit=way.commit or tags.get("git_commit", ""), data_version=way.data_version or tags.get("data_version", ""),
    )  # fmt: skip
    gaps = []
    if not way.run:
        name = f" {experiment.pipeline_run}" if experiment and experiment.pipeline_run else ""
        gaps.append(f"its PipelineRun{name} is not there any more: no gate, no statement and no list of data files")
    elif not way.digest:
        gaps.append("the run has built no image")
    elif not way.files:
        gaps.append("the run has no list of its data files")
    if way.version and experiment is None and not known.missing:
        gaps.append(f"MLflow has no version {way.version}")
    return replace(way, gaps=gaps)

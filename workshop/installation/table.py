"""The table of parts (`parts.yaml`) and of sizes (`sizing.yaml`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from workshop.manifests.quantities import number

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Operator:
    """A Subscription of the Operator Lifecycle Manager."""

    package: str
    channel: str
    starting_csv: str
    source: str
    namespace: str


@dataclass(frozen=True)
class Chart:
    """A Helm chart. `values` are set with `--set-string` or, for `null`, with `--set`."""

    repository: str
    name: str
    version: str
    namespace: str
    values: dict[str, str]


@dataclass(frozen=True)
class Merge:
    """Keys that are set in the YAML of one key of a ConfigMap that the cluster owns."""

    namespace: str
    name: str
    key: str
    values: dict[str, Any]


@dataclass(frozen=True)
class Part:
    """Something that a room needs of its cluster."""

    name: str
    purpose: str
    licence: str
    provides: tuple[str, ...] = ()
    """Kinds as `Kind.group/version`."""
    optional: bool = False
    openshift: bool = False
    operator: Operator | None = None
    chart: Chart | None = None
    folder: str = ""
    builds: dict[str, str] = field(default_factory=dict)
    """The source folder in the kit by BuildConfig; empty for the whole kit."""
    merge: Merge | None = None
    addresses: bool = False
    """Whether its folder has Routes; elsewhere than on OpenShift, Ingresses below a domain."""
    needs: str = ""
    """The part without which this one is left out."""
    elsewhere: str = ""


@dataclass(frozen=True)
class Image:
    """An image that a cluster pulls. Without a digest, the tag is resolved when it is pulled."""

    name: str
    tag: str
    digest: str
    licence: str
    used: str

    @property
    def reference(self) -> str:
        """What a container runtime pulls."""
        return f"{self.name}@{self.digest}" if self.digest else f"{self.name}:{self.tag}"


@dataclass(frozen=True)
class Size:
    """Pods, cores, bytes of memory and bytes of storage."""

    pods: float = 0
    cpu: float = 0
    memory: float = 0
    storage: float = 0

    def plus(self, other: Size, times: float = 1) -> Size:
        """The sum of this and of `times` the other."""
        return Size(
            self.pods + times * other.pods,
            self.cpu + times * other.cpu,
            self.memory + times * other.memory,
            self.storage + times * other.storage,
        )


@dataclass(frozen=True)
class Table:
    """`parts.yaml`."""

    parts: tuple[Part, ...]
    images: tuple[Image, ...]
    tested: tuple[dict[str, str], ...]


@dataclass(frozen=True)
class Sizing:
    """`sizing.yaml`: what one participant and the shared parts take."""

    participant: Size
    shared: Size
    lines: tuple[dict[str, Any], ...] = field(repr=False)


def table() -> Table:
    """Read the table of parts."""
    content = yaml.safe_load((HERE / "parts.yaml").read_text())
    return Table(
        tuple(_part(one) for one in content["parts"]),
        tuple(Image(**{**one, "tag": str(one["tag"]), "digest": one["digest"] or ""}) for one in content["images"]),
        tuple(content["tested"]),
    )


def sizing() -> Sizing:
    """Read the sizes. A participant keeps the claims of several runs, of which one is in the sum of the lines."""
    content = yaml.safe_load((HERE / "sizing.yaml").read_text())
    participant = _sum(content["participant"])
    claim = number(content["participant"][-1]["storage"])
    kept = Size(storage=(content["claims_kept"] - 1) * claim)
    return Sizing(participant.plus(kept), _sum(content["shared"]), tuple(content["participant"]))


def _part(one: dict[str, Any]) -> Part:
    fields = dict(one)
    if operator := fields.pop("operator", None):
        fields["operator"] = Operator(**{"starting_csv" if k == "startingCSV" else k: v for k, v in operator.items()})
    if chart := fields.pop("chart", None):
        fields["chart"] = Chart(**{**chart, "version": str(chart["version"])})
    if merge := fields.pop("merge", None):
        fields["merge"] = Merge(**merge)
    return Part(**{**fields, "provides": tuple(fields.get("provides") or ())})


def _sum(lines: list[dict[str, Any]]) -> Size:
    total = Size()
    for one in lines:
        total = total.plus(Size(*(number(one[key]) for key in ("pods", "cpu", "memory", "storage"))))
    return total

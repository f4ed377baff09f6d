"""The objects of a cohort: those of `tekton/overlays/cohort` for each participant, with the cohort's labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from workshop.cluster.ingresses import reachable
from workshop.cluster.resources import of_kind
from workshop.cluster.wanted import Key, stamped
from workshop.errors import SetupError
from workshop.manifests.apiresource import ApiResource
from workshop.manifests.objects import Object, labels_of, namespace_and_name
from workshop.participants.names import COHORT, Participant
from workshop.participants.objects import Template

KUSTOMIZATION = "tekton/overlays/cohort"
OPTIONAL = {
    "grafana.integreatly.org": "the Grafana operator",
    "route.openshift.io": "OpenShift's routes, or an Ingress below --domain",
}
"""API groups that a cluster may lack, and what brings them: their objects are then left out."""


@dataclass(frozen=True)
class CohortObjects:
    """What each participant of a cohort gets on a server that has certain kinds."""

    cohort: str
    template: Template
    resources: dict[tuple[str, str], ApiResource]
    """By apiVersion and kind."""
    left_out: dict[str, list[str]]
    """Kinds of OPTIONAL groups that the server lacks, by what would bring them."""

    @classmethod
    def load(cls, kit: Path, cohort: str, known: Sequence[ApiResource], domain: str = "") -> CohortObjects:
        """Read the kustomization. Raises SetupError when it cannot be built or the server lacks a kind.

        `domain` is for addresses on a cluster without Routes.
        """
        template = Template.build(kit / KUSTOMIZATION)
        kept, resources, missing = [], {}, []
        left_out: dict[str, list[str]] = {}
        for obj in reachable(template.examples, known, domain):
            version, kind = obj["apiVersion"], obj["kind"]
            found = of_kind(known, version, kind)
            brought_by = OPTIONAL.get(version.partition("/")[0])
            if found is not None:
                kept.append(_labelled(obj, cohort))
                resources[version, kind] = found
            elif brought_by is None:
                missing.append(f"{kind} ({version})")
            elif kind not in left_out.setdefault(brought_by, []):
                left_out[brought_by].append(kind)
        if missing:
            raise SetupError(
                f"the server lacks kinds that participants need: {', '.join(sorted(set(missing)))}",
                hint="nothing was written; workshop cluster preflight shows what brings them",
            )
        return cls(cohort, Template(kept), resources, left_out)

    def of(self, participant: Participant) -> Iterator[tuple[Key, Object]]:
        """A participant's objects, each after those that it needs: namespaces first, accounts before their tokens."""
        for obj in self.template.objects_of(participant):
            yield Key(self.resources[obj["apiVersion"], obj["kind"]], *namespace_and_name(obj)), stamped(obj)

    @property
    def namespace(self) -> ApiResource:
        """The kind Namespace."""
        return self.resources["v1", "Namespace"]

    @property
    def kinds(self) -> list[ApiResource]:
        """The kinds, each once."""
        return list(dict.fromkeys(self.resources.values()))


def _labelled(obj: Object, cohort: str) -> Object:
    return {**obj, "metadata": {**obj["metadata"], "labels": {**labels_of(obj), COHORT: cohort}}}

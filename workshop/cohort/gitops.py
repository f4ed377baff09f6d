"""A cohort as files for Argo CD: a folder for each participant, and an ApplicationSet with an Application for each.

The objects are those that `workshop cohort provision` applies, with the same labels and digests, so that provisioning
after a sync writes only what is missing. Secrets with random values are left out, because they belong in no repository:
`workshop cohort provision` makes them.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from workshop.cluster.generated import generated_keys
from workshop.cohort.objects import CohortObjects
from workshop.errors import UsageError
from workshop.manifests.objects import Object
from workshop.participants.names import COHORT, PARTICIPANT, Participant

PARTICIPANTS = "participants"
"""The folder with a folder for each participant. Only this one is replaced."""
MANIFEST = "objects.yaml"
APPLICATION_SET = "applicationset.yaml"


@dataclass(frozen=True)
class Repository:
    """Where Argo CD reads the files: a Git repository, a branch or tag, and the path of the exported folder in it."""

    url: str
    revision: str = "main"
    path: str = ""

    @property
    def participants(self) -> str:
        """The path of the participants' folders."""
        return "/".join(part for part in (self.path.strip("/"), PARTICIPANTS) if part)


def export(folder: Path, objects: CohortObjects, names: Sequence[str], repository: Repository) -> list[str]:
    """Write the files, replace those of an earlier export, and return the names of the Secrets that are left out.

    Raises UsageError when the folder of the participants holds something else, OSError.
    """
    where = folder / PARTICIPANTS
    _refuse_foreign(where)
    shutil.rmtree(where, ignore_errors=True)
    left_out = set()
    for name in names:
        kept = []
        for _, obj in objects.of(Participant(name)):
            if generated_keys(obj):
                left_out.add(str(obj["metadata"]["name"]))
            else:
                kept.append(obj)
        mine = where / name
        mine.mkdir(parents=True)
        (mine / MANIFEST).write_text(_text(*kept))
        kustomization = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": [MANIFEST],
        }
        (mine / "kustomization.yaml").write_text(_text(kustomization))
    made = application_set(objects.cohort, repository)
    (folder / APPLICATION_SET).write_text(_text(made))
    return sorted(left_out)


def application_set(cohort: str, repository: Repository) -> Object:
    """One Application for each folder of participants.

    Argo CD applies on the server, as the kit does, and removes what is no longer in the files. The namespaces are among
    the objects. https://argo-cd.readthedocs.io/en/stable/operator-manual/applicationset/Generators-Git/
    """
    source = {"repoURL": repository.url, "revision": repository.revision}
    directories = [{"path": f"{repository.participants}/*"}]
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "ApplicationSet",
        "metadata": {
            "name": f"mlops-workshop-{cohort}",
            "labels": {"app.kubernetes.io/part-of": "mlops-workshop", COHORT: cohort},
        },
        "spec": {
            "goTemplate": True,
            "goTemplateOptions": ["missingkey=error"],
            "generators": [{"git": {**source, "directories": directories}}],
            "template": {
                "metadata": {
                    "name": f"{cohort}-{{{{.path.basename}}}}",
                    "labels": {COHORT: cohort, PARTICIPANT: "{{.path.basename}}"},
                    "finalizers": ["resources-finalizer.argocd.argoproj.io"],
                },
                "spec": {
                    "project": "default",
                    "source": {
                        "repoURL": repository.url,
                        "targetRevision": repository.revision,
                        "path": "{{.path.path}}",
                    },
                    "destination": {"server": "https://kubernetes.default.svc"},
                    "syncPolicy": {
                        "automated": {"prune": True, "selfHeal": True},
                        "syncOptions": ["ServerSideApply=true"],
                    },
                },
            },
        },
    }


def _text(*objects: Object) -> str:
    return str(yaml.dump_all(objects, Dumper=yaml.CSafeDumper, sort_keys=False))


def _refuse_foreign(where: Path) -> None:
    """Raises UsageError when the folder holds what an export has not written."""
    found = sorted(where.iterdir()) if where.is_dir() else []
    foreign = [one.name for one in found if not (one / MANIFEST).is_file()]
    if foreign:
        raise UsageError(
            f"{where} holds {', '.join(foreign[:3])}, which no export has written; nothing was changed",
            hint="name another folder with --to",
        )

"""Kustomizations are built as kubectl builds them; what is not supported is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from workshop.errors import ManifestError
from workshop.oc.kustomize.build import build

KIT = Path(__file__).resolve().parents[3]
Run = Callable[..., Any]

BASE = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {tier: front}}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      serviceAccountName: robot
      volumes: [{name: v, configMap: {name: conf}}, {name: w, secret: {secretName: sec}}]
      initContainers: [{name: i, image: "img:1@sha256:0000"}]
      containers:
      - {name: c, image: "img:1", envFrom: [{configMapRef: {name: conf}}], env: [{name: A, value: "1"}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, name: http}]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: robot}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: rb}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}
subjects: [{kind: ServiceAccount, name: robot}]
---
apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeployment
metadata: {name: fd, annotations: {a: b}}
spec:
  predictors:
  - {name: main, graph: {name: m}, componentSpecs: [{spec: {containers: [{name: m, image: fd}, {name: n, image: x}]}}]}
---
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: t}
spec: {steps: [{name: s, image: "toolbox:1", script: "echo\\n"}]}
---
apiVersion: v1
kind: Pod
metadata: {name: one}
spec: {containers: [{name: c, image: "img"}]}
"""
SEED = "resources: [all.yaml]\n"

CASES = {
    "nothing": "",
    "namespace": "namespace: prod\n",
    "names": "namePrefix: a-\nnameSuffix: -z\n",
    "labels": "labels: [{pairs: {x: 'y'}}]\n",
    "labels in selectors": "labels: [{pairs: {x: 'y'}, includeSelectors: true}]\n",
    "labels in templates": "labels: [{pairs: {x: 'y'}, includeTemplates: true}]\n",
    "common labels": "commonLabels: {x: 'y'}\n",
    "annotations": "commonAnnotations: {x: 'y: z'}\n",
    "image tag": "images: [{name: img, newTag: '2'}]\n",
    "image name and digest": "images: [{name: fd, newName: reg/fd, digest: 'sha256:aa'}]\n",
    "image name, tag and digest": "images: [{name: img, newName: o, newTag: t, digest: 'sha256:aa'}]\n",
    "images elsewhere": "images: [{name: toolbox, newTag: '2'}]\nconfigurations: [places.yaml]\n",
    "strategic patch": """
patches:
- patch: |
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec: {template: {spec: {containers: [{name: c, env: [{name: B, value: "2"}]}, {name: new, image: n}]}}}
""",
    "patch that deletes an item": """
patches:
- patch: |
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec: {template: {spec: {containers: [{name: c, env: [{name: A, $patch: delete}]}], volumes: null}}}
""",
    "patch that deletes an object": """
patches:
- patch: |
    apiVersion: v1
    kind: Service
    metadata: {name: web}
    $patch: delete
""",
    "json patch": """
patches:
- target: {kind: SeldonDeployment, name: fd}
  patch: |
    - {op: add, path: /spec/predictors/0/replicas, value: 2}
    - {op: replace, path: /metadata/annotations/a, value: c}
""",
    "patch of a custom kind replaces lists": """
patches:
- target: {kind: SeldonDeployment}
  patch: |
    apiVersion: machinelearning.seldon.io/v1
    kind: SeldonDeployment
    metadata: {name: whatever}
    spec: {predictors: [{name: other}], protocol: v2}
""",
    "patch by label": """
patches:
- target: {labelSelector: tier=front}
  patch: |
    - {op: add, path: /metadata/annotations, value: {q: r}}
""",
    "patch from a file": "patches: [{path: patch.yaml}]\n",
    "generators": """
namePrefix: a-
configMapGenerator:
- {name: conf, literals: [a=b, "c='d e'"], files: [note.txt, other=note.txt], envs: [vars.env]}
secretGenerator:
- {name: sec, literals: [p=q], type: kubernetes.io/basic-auth}
generatorOptions: {labels: {made: 'yes'}}
""",
    "generator without hash": """
configMapGenerator:
- {name: conf, literals: [a=b], options: {disableNameSuffixHash: true, annotations: {q: r}, immutable: true}}
""",
    "replicas": "replicas: [{name: web, count: 4}]\n",
    "replacements": """
replacements:
- source: {kind: Service, name: web, fieldPath: "spec.ports.[name=http].port"}
  targets:
  - select: {kind: Deployment}
    fieldPaths: ["spec.template.spec.containers.[name=c].env.[name=A].value"]
- source: {kind: ServiceAccount, fieldPath: metadata.name}
  targets:
  - select: {kind: SeldonDeployment}
    fieldPaths: [metadata.annotations.a, "spec.predictors.*.name"]
    options: {delimiter: '-', index: 1}
""",
    "everything": """
namePrefix: a-
labels: [{pairs: {x: 'y'}, includeSelectors: true}]
commonAnnotations: {note: '1'}
images: [{name: img, newTag: '2'}]
configMapGenerator: [{name: conf, literals: [a=b]}]
patches:
- target: {kind: Deployment, name: web}
  patch: |
    - {op: add, path: /spec/replicas, value: 2}
""",
    "fifo": "sortOptions: {order: fifo}\n",
}


def tree(folder: Path, content: str) -> Path:
    base, over = folder / "base", folder / "over"
    base.mkdir()
    over.mkdir()
    (base / "all.yaml").write_text(BASE)
    (base / "kustomization.yaml").write_text(SEED)
    (over / "kustomization.yaml").write_text("resources: [../base]\n" + content)
    (over / "places.yaml").write_text("images: [{path: spec/steps/image, kind: Task}]\n")
    (over / "patch.yaml").write_text("apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {type: NodePort}\n")
    (over / "note.txt").write_text("line <one>\nline two\n")
    (over / "vars.env").write_text("# comment\nE=f\n\n")
    return over


@pytest.mark.parametrize("case", CASES)
def test_output_is_that_of_kubectl(case: str, tmp_path: Path, oc: Run, kubectl: Run) -> None:
    folder = tree(tmp_path, CASES[case])
    theirs, mine = kubectl("kustomize", str(folder)), oc("kustomize", str(folder))
    assert theirs.returncode == 0, theirs.stderr
    assert mine.stdout == theirs.stdout


@pytest.mark.parametrize(
    "folder",
    sorted(
        str(p.parent.relative_to(KIT))
        for top in ("grafana", "seldon", "tekton")
        for p in (KIT / top).rglob("kustomization.yaml")
    ),
)
def test_overlays_of_the_kit_come_out_alike(folder: str, oc: Run, kubectl: Run) -> None:
    theirs, mine = kubectl("kustomize", str(KIT / folder)), oc("kustomize", str(KIT / folder))
    assert theirs.returncode == 0, theirs.stderr
    assert mine.stdout == theirs.stdout


def test_component_changes_its_users_resources(tmp_path: Path, oc: Run, kubectl: Run) -> None:
    folder = tree(tmp_path, "components: [../comp]\n")
    (tmp_path / "comp").mkdir()
    (tmp_path / "comp" / "kustomization.yaml").write_text(
        "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nreplicas: [{name: web, count: 7}]\n"
    )
    assert oc("kustomize", str(folder)).stdout == kubectl("kustomize", str(folder)).stdout


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("helmCharts: []\n", "helmCharts is not supported by the built-in oc: allowed are"),
        ("vars: []\n", "vars is not supported"),
        (
            "images: [{name: x, tagSuffix: y}]\n",
            "tagSuffix is not supported: allowed are digest, name, newName, newTag",
        ),
        ("resources: [https://example.com/x]\n", "remote bases are not supported"),
        ("resources: [gone.yaml]\n", "gone.yaml: no such file or folder"),
        ("resources: [../base, ../base]\n", "already registered id"),
        ("configMapGenerator: [{name: x, files: [../base/all.yaml]}]\n", "is not in or below"),
        ('patches: [{patch: "[{op: remove, path: /spec/nope}]", target: {kind: Task}}]\n', "nonexistent key: nope"),
        ("patches: [{patch: '{apiVersion: v1, kind: Service, metadata: {name: no}}'}]\n", "no resource matches"),
        ("resources: [../over]\n", "cycle detected"),
        ("commonLabels: {x: 1}\n", "the value 1 is no text: put it in quotes"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(content: str, named: str, tmp_path: Path) -> None:
    folder = tree(tmp_path, "")
    (folder / "kustomization.yaml").write_text(
        content if content.startswith("resources") else "resources: [../base]\n" + content
    )
    with pytest.raises(ManifestError) as caught:
        build(folder)
    assert named in caught.value.message
    assert "kustomization.yaml" in caught.value.message or "cycle" in caught.value.message


def test_digest_reaches_the_model_of_a_seldon_deployment(tmp_path: Path) -> None:
    folder = tree(tmp_path, "images: [{name: fd, newName: r/fd, digest: 'sha256:aa'}]\n")
    found = next(o for o in build(folder) if o["kind"] == "SeldonDeployment")
    assert found["spec"]["predictors"][0]["componentSpecs"][0]["spec"]["containers"][0]["image"] == "r/fd@sha256:aa"
    assert yaml.safe_load((tmp_path / "base" / "all.yaml").read_text().split("---")[0])["metadata"]["name"] == "web"

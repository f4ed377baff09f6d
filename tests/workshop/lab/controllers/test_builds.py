"""BuildConfigs, Builds and ImageStreams: what `oc start-build` sends, and what comes of it."""

from __future__ import annotations

import asyncio
import io
import json
import subprocess
import tarfile
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from tests.kit import until
from tests.kubectl import write_oc
from tests.workshop.lab.api.conftest import Run, kubectl, namespace  # noqa: F401
from tests.workshop.lab.serving import Lab
from workshop.lab.clients import write_tools
from workshop.lab.controllers import builds, images
from workshop.lab.images.store import Config, ImageStore
from workshop.lab.kinds import built_in
from workshop.lab.paths import BUILD_INPUT, KIT
from workshop.manifests.objects import Object

GROUP = "/apis/build.openshift.io/v1/namespaces/{}"
ASSEMBLE = '#!/bin/bash\necho "assembling $GREETING"\ncp "$S2I_SOURCE"/app.txt "$APP_ROOT/app.txt"\n'


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """An API server with the controllers of builds and images, and a base image with S2I's scripts."""
    made = Lab(tmp_path_factory.mktemp("lab"))
    write_tools(made.state)
    _base_image(made.running.images)
    made.run(made.running.launcher.open())
    controllers = [builds.controller(made.running), images.controller(made.running)]
    tasks: list[Future[None]] = [asyncio.run_coroutine_threadsafe(one.run(), made.loop) for one in controllers]
    yield made
    for task in tasks:
        task.cancel()
    made.run(asyncio.sleep(0.1))
    made.run(made.running.launcher.close())
    made.stop()


def _base_image(store: ImageStore) -> None:
    with store.partial() as rootfs:
        scripts = rootfs / "usr" / "libexec" / "s2i"
        scripts.mkdir(parents=True)
        for name, text in (("assemble", ASSEMBLE), ("run", "#!/bin/bash\n")):
            (scripts / name).write_text(text)
            (scripts / name).chmod(0o755)
        (rootfs / "opt" / "app-root").mkdir(parents=True)
        image = store.commit(rootfs, Config({"APP_ROOT": "/opt/app-root"}, ("run",), {}, "1001"))
    store.tag("quay.io/any/base:1", image.digest)


@pytest.fixture
def project(lab: Lab, namespace: str) -> str:  # noqa: F811
    for account in ("builder", "default"):
        lab.call(lab.store.create, built_in("ServiceAccount"), {"metadata": {"name": account, "namespace": namespace}})
    return namespace


@pytest.fixture
def oc(lab: Lab, tmp_path: Path) -> Run:
    """Run the lab's oc."""
    program = write_oc(tmp_path / "bin")
    env = {
        "PATH": f"{program.parent}:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "KUBECONFIG": str(lab.state.kubeconfig),
        "PYTHONPATH": str(KIT),
    }

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([program, *words], env=env, capture_output=True, text=True, timeout=60, check=False)

    return run


def archive(**files: str) -> bytes:
    """A tar.gz as `oc start-build --from-dir` sends it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name.replace("_", "."))
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    return out.getvalue()


def config(name: str, strategy: Object | None = None, **spec: Any) -> Object:
    return {
        "apiVersion": "build.openshift.io/v1",
        "kind": "BuildConfig",
        "metadata": {"name": name},
        "spec": {
            "source": {"binary": {}},
            "strategy": {"dockerStrategy": {"dockerfilePath": "Containerfile"}} if strategy is None else strategy,
            "output": {"to": {"kind": "ImageStreamTag", "name": f"{name}:1"}},
            **spec,
        },
    }


def stream(lab: Lab, project: str, name: str) -> None:
    path = f"/apis/image.openshift.io/v1/namespaces/{project}/imagestreams"
    code, answer = lab.ask("POST", path, {"metadata": {"name": name}})
    assert code == 201, answer


def create(lab: Lab, project: str, made: Object) -> None:
    code, answer = lab.ask("POST", GROUP.format(project) + "/buildconfigs", made)
    assert code == 201, answer


def start(lab: Lab, project: str, name: str, files: bytes) -> str:
    path = f"{GROUP.format(project)}/buildconfigs/{name}/instantiatebinary?name={name}&namespace={project}"
    code, build = lab.ask("POST", path, files, media="application/octet-stream")
    assert code == 201, build
    return str(build["metadata"]["name"])


def ended(lab: Lab, project: str, name: str) -> Object:
    """The build once it has ended."""

    def found() -> Object | None:
        build: Object = lab.ask("GET", f"{GROUP.format(project)}/builds/{name}")[1]
        phase = (build.get("status") or {}).get("phase")
        return build if phase in ("Complete", "Failed", "Error", "Cancelled") else None

    build: Object = until(found)
    return build


def log(lab: Lab, project: str, name: str, query: str = "") -> str:
    return str(lab.ask("GET", f"{GROUP.format(project)}/builds/{name}/log{query}")[1])


DOCKERFILE = "FROM quay.io/any/base:1\nCOPY app.txt /opt/app-root/app.txt\nRUN echo from the build\n"


def test_a_build_makes_an_image_and_its_tag(lab: Lab, project: str, kubectl: Run) -> None:  # noqa: F811
    stream(lab, project, "app")
    create(lab, project, config("app"))
    name = start(lab, project, "app", archive(Containerfile=DOCKERFILE, app_txt="hello"))
    assert name == "app-1"
    build = ended(lab, project, name)
    status = build["status"]
    assert status["phase"] == "Complete", log(lab, project, name)
    assert "from the build" in log(lab, project, name, "?follow=true")
    place = f"image-registry.openshift-image-registry.svc:5000/{project}/app"
    assert status["outputDockerImageReference"] == f"{place}:1"
    digest = status["output"]["to"]["imageDigest"]
    image = lab.running.images.resolve(f"{place}:1")
    assert image is not None and image.digest == digest
    assert (image.app_root / "app.txt").read_text() == "hello"
    tag = until(lambda: kubectl("get", "istag", "app:1", "-o", "json").stdout)
    assert json.loads(tag)["image"]["dockerImageReference"] == f"{place}@{digest}"
    for kind, cells in (
        ("bc", ["app", "Docker", "Binary", "1"]),
        ("builds", ["app-1", "Docker", "Binary", "Complete"]),
        ("is", ["app", place, "1"]),
        ("istag", ["app:1", f"{place}@{digest}"]),
    ):
        shown = kubectl("get", kind).stdout.splitlines()[1].split()
        assert shown[: len(cells)] == cells
    pod = json.loads(kubectl("get", "pod", "app-1-build", "-o", "json").stdout)
    assert (pod["spec"]["serviceAccountName"], pod["status"]["phase"]) == ("builder", "Succeeded")
    assert list(lab.state.build_input("x").parent.iterdir()) == []


def test_a_deleted_build_stops_and_leaves_no_files(lab: Lab, project: str) -> None:
    stream(lab, project, "app")
    create(lab, project, config("app"))
    slow = archive(Containerfile=DOCKERFILE + "RUN sleep 60\n", app_txt="x")
    running, waiting = start(lab, project, "app", slow), start(lab, project, "app", slow)
    path = f"{GROUP.format(project)}/builds"
    until(lambda: lab.ask("GET", f"{path}/{running}")[1]["status"]["phase"] == "Running")
    for name in (waiting, running):
        assert lab.ask("DELETE", f"{path}/{name}")[0] == 200
    until(lambda: not list(lab.state.build_input("x").parent.iterdir()))
    assert lab.ask("GET", f"/api/v1/namespaces/{project}/pods")[1]["items"] == []


def test_a_waiting_build_starts_when_the_running_one_is_deleted(lab: Lab, project: str) -> None:
    stream(lab, project, "app")
    create(lab, project, config("app"))
    running = start(lab, project, "app", archive(Containerfile=DOCKERFILE + "RUN sleep 60\n", app_txt="x"))
    waiting = start(lab, project, "app", archive(Containerfile=DOCKERFILE, app_txt="x"))
    path = f"{GROUP.format(project)}/builds/{running}"
    until(lambda: lab.ask("GET", path)[1]["status"]["phase"] == "Running")
    assert lab.ask("DELETE", path)[0] == 200
    assert ended(lab, project, waiting)["status"]["phase"] == "Complete"


def test_a_build_whose_pod_is_deleted_ends_with_an_error(lab: Lab, project: str) -> None:
    stream(lab, project, "app")
    create(lab, project, config("app"))
    running = start(lab, project, "app", archive(Containerfile=DOCKERFILE + "RUN sleep 60\n", app_txt="x"))
    waiting = start(lab, project, "app", archive(Containerfile=DOCKERFILE, app_txt="x"))
    path = f"{GROUP.format(project)}/builds/{running}"
    until(lambda: lab.ask("GET", path)[1]["status"]["phase"] == "Running")
    assert lab.ask("DELETE", f"/api/v1/namespaces/{project}/pods/{running}-build")[0] == 200
    status = ended(lab, project, running)["status"]
    assert (status["phase"], status["reason"]) == ("Error", "BuildPodDeleted")
    assert status["message"] == "The pod for this build was deleted before the build completed."
    assert ended(lab, project, waiting)["status"]["phase"] == "Complete", "the next build starts"


def test_a_build_deletes_no_file_that_a_client_names(lab: Lab, project: str) -> None:
    kept = lab.state.root / "kept"
    kept.write_text("x")
    made = {
        "metadata": {
            "name": "direct",
            "annotations": {BUILD_INPUT: "../kept", "openshift.io/build.number": "x"},
            "labels": {"openshift.io/build-config.name": "none"},
        },
        "spec": {"source": {"dockerfile": "FROM quay.io/any/base:1\n"}, "strategy": {"dockerStrategy": {}}},
    }
    assert lab.ask("POST", GROUP.format(project) + "/builds", made)[0] == 201
    assert ended(lab, project, "direct")["status"]["phase"] == "Complete"
    assert kept.read_text() == "x"


def test_a_source_build_runs_the_builders_scripts(lab: Lab, project: str) -> None:
    stream(lab, project, "app")
    source = {
        "from": {"kind": "DockerImage", "name": "quay.io/any/base:1"},
        "env": [{"name": "GREETING", "value": "a b"}],
    }
    create(lab, project, config("app", {"sourceStrategy": source}))
    build = ended(lab, project, start(lab, project, "app", archive(app_txt="hello")))
    assert build["status"]["phase"] == "Complete", log(lab, project, "app-1")
    assert "assembling a b" in log(lab, project, "app-1")


@pytest.mark.parametrize(
    ("files", "reason", "said"),
    [
        ({"Containerfile": "FROM quay.io/any/other:9\n"}, "PullBuilderImageFailed", "Failed pulling builder image."),
        ({"Containerfile": "FROM quay.io/any/base:1\nRUN exit 7\n"}, "DockerBuildFailed", "strategy has failed"),
        ({"Containerfile": "FROM quay.io/any/base:1\nARG x\n"}, "DockerBuildFailed", "strategy has failed"),
    ],
)
def test_a_failed_build_says_what_failed(
    lab: Lab,
    project: str,
    kubectl: Run,  # noqa: F811
    files: dict[str, str],
    reason: str,
    said: str,
) -> None:
    stream(lab, project, "app")
    create(lab, project, config("app"))
    status = ended(lab, project, start(lab, project, "app", archive(**files)))["status"]
    assert (status["phase"], status["reason"]) == ("Failed", reason)
    assert said in status["message"] and status["logSnippet"]
    assert f"Failed ({reason})" in kubectl("get", "builds").stdout


def test_files_that_are_no_archive_fail_the_fetch(lab: Lab, project: str) -> None:
    stream(lab, project, "app")
    create(lab, project, config("app"))
    assert ended(lab, project, start(lab, project, "app", b"no archive"))["status"]["reason"] == "FetchSourceFailed"


def test_a_build_without_its_stream_waits_for_it(lab: Lab, project: str) -> None:
    create(lab, project, config("app"))
    name = start(lab, project, "app", archive(Containerfile=DOCKERFILE, app_txt="x"))
    path = f"{GROUP.format(project)}/builds/{name}"
    until(lambda: lab.ask("GET", path)[1]["status"].get("reason") == "InvalidOutputReference")
    stream(lab, project, "app")
    assert ended(lab, project, name)["status"]["phase"] == "Complete"


def test_of_waiting_builds_the_newest_runs(lab: Lab, project: str) -> None:
    stream(lab, project, "app")
    create(lab, project, config("app", runPolicy="SerialLatestOnly"))
    slow = archive(Containerfile=DOCKERFILE + "RUN sleep 1\n", app_txt="x")
    names = [start(lab, project, "app", slow) for _ in range(3)]
    phases = [ended(lab, project, name)["status"]["phase"] for name in names]
    assert phases == ["Complete", "Cancelled", "Complete"]


def test_a_cancelled_build_ends(lab: Lab, project: str) -> None:
    stream(lab, project, "app")
    create(lab, project, config("app"))
    name = start(lab, project, "app", archive(Containerfile=DOCKERFILE + "RUN sleep 60\n", app_txt="x"))
    path = f"{GROUP.format(project)}/builds/{name}"
    build = until(lambda: (b := lab.ask("GET", path)[1])["status"]["phase"] == "Running" and b)
    build["status"]["cancelled"] = True
    assert lab.ask("PUT", path, build)[0] == 200
    assert ended(lab, project, name)["status"]["reason"] == "CancelledBuild"


def test_old_builds_are_deleted_above_the_limit(lab: Lab, project: str) -> None:
    stream(lab, project, "app")
    create(lab, project, config("app", successfulBuildsHistoryLimit=1))
    for _ in range(3):
        ended(lab, project, start(lab, project, "app", archive(Containerfile=DOCKERFILE, app_txt="x")))
    listed = lab.ask("GET", GROUP.format(project) + "/builds")[1]["items"]
    assert [one["metadata"]["name"] for one in listed] == ["app-3"]


def test_a_pushed_image_makes_its_stream(lab: Lab, project: str) -> None:
    base = lab.running.images.resolve("quay.io/any/base:1")
    assert base is not None
    lab.running.images.tag(f"image-registry.openshift-image-registry.svc:5000/{project}/pushed:v1", base.digest)
    path = f"/apis/image.openshift.io/v1/namespaces/{project}/imagestreams/pushed"
    found = until(lambda: (s := lab.ask("GET", path)[1])["kind"] == "ImageStream" and s.get("status") and s)
    assert [one["tag"] for one in found["status"]["tags"]] == ["v1"]
    tags = f"/apis/image.openshift.io/v1/namespaces/{project}/imagestreamtags"
    change = {"metadata": {"annotations": {"a": "b"}}}
    code, said = lab.ask("PATCH", f"{tags}/pushed:v1", change, media="application/merge-patch+json")
    assert (code, "cannot be written" in said["message"]) == (405, True)


def test_streams_follow_the_registry_after_an_error(lab: Lab, project: str, monkeypatch: pytest.MonkeyPatch) -> None:
    failed: list[bool] = []

    def tags() -> list[tuple[str, str]]:
        failed.append(True)
        raise FileNotFoundError("a step deleted the tag")

    monkeypatch.setattr(lab.running.images, "tags", tags)
    until(lambda: failed)
    monkeypatch.undo()
    base = lab.running.images.resolve("quay.io/any/base:1")
    assert base is not None
    lab.running.images.tag(f"image-registry.openshift-image-registry.svc:5000/{project}/later:v1", base.digest)
    path = f"/apis/image.openshift.io/v1/namespaces/{project}/imagestreams/later"
    until(lambda: lab.ask("GET", path)[0] == 200)


def test_a_tag_of_an_image_that_the_lab_lacks_says_so(lab: Lab, project: str) -> None:
    path = f"/apis/image.openshift.io/v1/namespaces/{project}/imagestreams"
    tags = [{"name": "9", "from": {"kind": "DockerImage", "name": "registry.access.redhat.com/ubi9/python-311:1"}}]
    assert lab.ask("POST", path, {"metadata": {"name": "python"}, "spec": {"tags": tags}})[0] == 201
    found = until(lambda: (s := lab.ask("GET", f"{path}/python")[1].get("status") or {}).get("tags") and s)
    (condition,) = found["tags"][0]["conditions"]
    assert (condition["type"], condition["status"]) == ("ImportSuccess", "False")
    assert "the lab pulls no images" in condition["message"]


def place(project: str, tag: str) -> str:
    return f"image-registry.openshift-image-registry.svc:5000/{project}/{tag}"


def shown(lab: Lab, path: str) -> Object:
    """An object, once it is there."""
    until(lambda: lab.ask("GET", path)[0] == 200)
    found: Object = lab.ask("GET", path)[1]
    return found


def test_an_image_gets_another_tag_and_loses_it(lab: Lab, project: str, oc: Run) -> None:
    base = lab.running.images.resolve("quay.io/any/base:1")
    assert base is not None
    lab.running.images.tag(place(project, "app:1"), base.digest)
    tags = f"/apis/image.openshift.io/v1/namespaces/{project}/imagestreamtags"
    until(lambda: lab.ask("GET", f"{tags}/app:1")[0] == 200)
    said = oc("-n", project, "tag", "app:1", "app:prod", "other:latest")
    assert said.stdout.splitlines() == [
        f"Tag {project}/app:prod set to {project}/app@{base.digest}.",
        f"Tag {project}/other:latest set to {project}/app@{base.digest}.",
    ], said.stderr
    for tag in ("app:prod", "other:latest"):
        pulled = lab.running.images.resolve(place(project, tag))
        assert pulled is not None and pulled.digest == base.digest, "Pods pull it by this tag"
        assert shown(lab, f"{tags}/{tag}")["image"]["metadata"]["name"] == base.digest
    streams = f"/apis/image.openshift.io/v1/namespaces/{project}/imagestreams"
    spec = lab.ask("GET", f"{streams}/app")[1]["spec"]
    assert spec["tags"] == [{"name": "prod", "from": spec["tags"][0]["from"]}]
    assert oc("-n", project, "tag", "--delete", "app:prod").stdout == f"Deleted tag {project}/app:prod.\n"
    assert lab.running.images.resolve(place(project, "app:prod")) is None
    assert not lab.ask("GET", f"{streams}/app")[1]["spec"].get("tags")
    assert "not found" in oc("-n", project, "tag", "--delete", "app:prod").stderr


def test_an_image_is_imported(lab: Lab, project: str, oc: Run) -> None:
    refused = oc("-n", project, "import-image", "base:1", "--from=quay.io/any/base:1")
    assert refused.returncode == 1 and "pass --confirm to create and import" in refused.stderr
    done = oc("-n", project, "import-image", "base:1", "--from=quay.io/any/base:1", "--confirm")
    assert done.stdout == "imagestream.image.openshift.io/base imported\n", done.stderr
    assert lab.running.images.resolve(place(project, "base:1")) is not None
    other = oc("-n", project, "import-image", "base:2", "--from=quay.io/any/other:1", "--confirm")
    assert other.returncode == 1 and "tag 2 failed" in other.stderr and "the lab pulls no images" in other.stderr
    assert oc("-n", project, "import-image", "base:1").returncode == 0, "the stream knows where it comes from"


@pytest.mark.parametrize("name", ["app", ":1", "app:"])
def test_a_tag_without_a_stream_or_a_name_is_refused(lab: Lab, project: str, name: str) -> None:
    path = f"/apis/image.openshift.io/v1/namespaces/{project}/imagestreamtags"
    code, said = lab.ask("POST", path, {"metadata": {"name": name}})
    assert (code, "must be of the form <name>:<tag>" in said["message"]) == (422, True)


def test_start_build_without_files_builds_what_the_config_says(lab: Lab, project: str) -> None:
    stream(lab, project, "app")
    made = config("app")
    made["spec"]["source"] = {"dockerfile": "FROM quay.io/any/base:1\nRUN echo inline\n"}
    made["spec"]["strategy"] = {"dockerStrategy": {}}
    create(lab, project, made)
    path = f"{GROUP.format(project)}/buildconfigs/app/instantiate"
    asked = {"kind": "BuildRequest", "apiVersion": "build.openshift.io/v1", "metadata": {"name": "app"}}
    code, build = lab.ask("POST", path, {**asked, "triggeredBy": [{"message": "Manually triggered"}]})
    assert (code, build["spec"]["triggeredBy"]) == (201, [{"message": "Manually triggered"}])
    assert ended(lab, project, "app-1")["status"]["phase"] == "Complete", log(lab, project, "app-1")
    assert "inline" in log(lab, project, "app-1")


def test_a_build_request_is_sent_as_protobuf(lab: Lab, project: str) -> None:
    def field(number: int, value: bytes) -> bytes:
        return bytes([number << 3 | 2, len(value)]) + value

    made = config("app", {"sourceStrategy": {"from": {"kind": "DockerImage", "name": "quay.io/any/base:1"}}})
    made["spec"]["source"] = {"dockerfile": "FROM x\n"}
    create(lab, project, made)
    variable = field(1, b"GREETING") + field(2, b"hi")
    request = field(1, field(1, b"app")) + field(7, variable) + field(8, field(1, b"Manually triggered"))
    about = field(1, b"build.openshift.io/v1") + field(2, b"BuildRequest")
    body = b"k8s\x00" + field(1, about) + field(2, request)
    path = f"{GROUP.format(project)}/buildconfigs/app/instantiate"
    code, build = lab.ask("POST", path, body, media="application/vnd.kubernetes.protobuf")
    assert (code, build["spec"]["triggeredBy"]) == (201, [{"message": "Manually triggered"}])
    assert build["spec"]["strategy"]["sourceStrategy"]["env"] == [{"name": "GREETING", "value": "hi"}]


@pytest.mark.parametrize(
    "wrong",
    [
        {"env": 5},
        {"env": [5]},
        {"env": [{"name": "a", "value": 5}]},
        {"sourceStrategyOptions": "x"},
        {"sourceStrategyOptions": {"incremental": "x"}},
        {"triggeredBy": [5]},
    ],
)
def test_a_build_request_of_wrong_types_starts_nothing(lab: Lab, project: str, wrong: Object) -> None:
    made = config("app", {"sourceStrategy": {"from": {"kind": "DockerImage", "name": "quay.io/any/base:1"}}})
    made["spec"]["source"] = {"dockerfile": "FROM x\n"}
    create(lab, project, made)
    code, answer = lab.ask("POST", f"{GROUP.format(project)}/buildconfigs/app/instantiate", wrong)
    assert (code, "cannot unmarshal" in answer["message"]) == (400, True), answer["message"]
    assert lab.ask("GET", f"{GROUP.format(project)}/buildconfigs/app")[1]["status"]["lastVersion"] == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"triggers": [{"type": "ConfigChange"}]}, "spec.triggers: Invalid value: the lab starts a build on request"),
        ({"strategy": {"customStrategy": {"from": {}}}}, "the lab has no custom builders"),
        ({"strategy": {}}, "must provide one of dockerStrategy, sourceStrategy"),
        ({"strategy": {"dockerStrategy": {"buildArgs": [{"name": "a", "value": "b"}]}}}, "as it is"),
        ({"source": {"git": {"uri": "x"}, "binary": {}}}, "may not set both git and binary"),
        ({"postCommit": {"script": "true"}}, "runs no hook"),
    ],
)
def test_what_the_builder_does_not_support_is_refused(lab: Lab, project: str, change: Object, said: str) -> None:
    code, answer = lab.ask("POST", GROUP.format(project) + "/buildconfigs", config("app", **change))
    assert (code, said in answer["message"]) == (422, True), answer["message"]


def test_the_kits_own_build_configs_apply_and_say_what_is_missing(lab: Lab, kubectl: Run) -> None:  # noqa: F811
    assert lab.ask("POST", "/api/v1/namespaces", {"metadata": {"name": "mlops-workshop"}})[0] == 201
    account = {"metadata": {"name": "builder", "namespace": "mlops-workshop"}}
    lab.call(lab.store.create, built_in("ServiceAccount"), account)
    for _ in range(2):
        done = kubectl("apply", "-n", "mlops-workshop", "-k", str(KIT / "tekton" / "images"))
        assert done.returncode == 0, done.stderr
    assert "buildconfig.build.openshift.io/mlops-toolbox unchanged" in done.stdout
    text = (KIT / "tekton" / "toolbox" / "Containerfile").read_text()
    name = start(lab, "mlops-workshop", "mlops-toolbox", archive(**{"tekton/toolbox/Containerfile": text}))
    status = ended(lab, "mlops-workshop", name)["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "PullBuilderImageFailed")
    assert "there is no image registry.redhat.io/openshift4/ose-cli-rhel9@sha256:" in status["logSnippet"]


# -- templates ---------------------------------------------------------------------------------------------------------


def process(lab: Lab, project: str, **template: Any) -> tuple[int, Any]:
    path = f"/apis/template.openshift.io/v1/namespaces/{project}/processedtemplates"
    body = {"apiVersion": "template.openshift.io/v1", "kind": "Template", "metadata": {"name": "t"}, **template}
    return lab.ask("POST", path, body)


def test_oc_process_fills_in_parameters(lab: Lab, project: str) -> None:
    objects = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "${NAME}-config", "labels": {"a": "b"}},
            "data": {"x": "${NAME} and ${OTHER}", "secret": "${SECRET}"},
            "count": "${{COUNT}}",
        }
    ]
    parameters = [
        {"name": "NAME", "value": "web", "required": True},
        {"name": "COUNT", "value": "3"},
        {"name": "SECRET", "generate": "expression", "from": "user[0-9]{4}[A-F]"},
    ]
    code, answer = process(lab, project, objects=objects, parameters=parameters, labels={"app": "t"})
    (made,) = answer["objects"]
    assert (code, made["metadata"]) == (201, {"name": "web-config", "labels": {"a": "b", "app": "t"}})
    assert made["data"]["x"] == "web and ${OTHER}" and made["count"] == 3
    secret = made["data"]["secret"]
    assert secret.startswith("user") and len(secret) == 9 and secret[4:8].isdigit() and secret[8] in "ABCDEF"
    assert answer["parameters"][2]["value"] == secret


def test_a_required_parameter_without_a_value_is_invalid(lab: Lab, project: str) -> None:
    code, answer = process(lab, project, objects=[], parameters=[{"name": "NAME", "required": True}])
    assert (code, answer["message"]) == (
        422,
        'Template.template.openshift.io "t" is invalid: template.parameters[0]: Required value: '
        "template.parameters[0]: parameter NAME is required and must be specified",
    )


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"parameters": 5}, "cannot unmarshal number"),
        ({"parameters": [{"name": ["x"]}]}, "cannot unmarshal array"),
        ({"objects": 5}, "cannot unmarshal number"),
        ({"labels": 5}, "cannot unmarshal number"),
        ({"metadata": 5}, "cannot unmarshal number"),
        (
            {"parameters": [{"name": "A", "generate": "expression", "from": "[z-a]{3}"}]},
            "template.parameters[0]: invalid range specified: z-a",
        ),
    ],
)
def test_a_template_of_wrong_types_is_refused(lab: Lab, project: str, wrong: Object, said: str) -> None:
    code, answer = process(lab, project, **{"objects": [], **wrong})
    assert (code in (400, 422), said in answer["message"]) == (True, True), answer["message"]


def test_an_object_of_a_template_is_processed_whatever_it_is(lab: Lab, project: str) -> None:
    objects = [{"metadata": 5}, {"metadata": {"labels": 5}}, {"a": "${{DEEP}}"}]
    deep = "[" * 100_000
    code, answer = process(
        lab, project, objects=objects, parameters=[{"name": "DEEP", "value": deep}], labels={"app": "t"}
    )
    assert (code, answer["objects"][:2], answer["objects"][2]["a"]) == (201, objects[:2], deep)


def test_templates_are_stored_and_listed(lab: Lab, project: str, kubectl: Run) -> None:  # noqa: F811
    template = {
        "apiVersion": "template.openshift.io/v1",
        "kind": "Template",
        "metadata": {"name": "t", "annotations": {"description": "a test"}},
        "objects": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "${NAME}"}}],
        "parameters": [{"name": "NAME"}],
    }
    done = kubectl("apply", "-f", "-", stdin=json.dumps(template))
    assert done.returncode == 0, done.stderr
    row = kubectl("get", "templates").stdout.splitlines()[1]
    assert [one.strip() for one in row.split("  ") if one.strip()] == ["t", "a test", "1 (1 blank)", "1"]

"""The podman runtime on podman itself: programs, files, users, signals, images, and what is left behind."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import podman
from tests.kit import until_async
from tests.podman import needs_podman
from workshop.lab.paths import LabPaths
from workshop.lab.runtimes.base import ContainerSpec, Handle, Mount, PodError, Script, Security
from workshop.lab.runtimes.podman import images
from workshop.lab.runtimes.podman.arguments import argv, passed
from workshop.lab.runtimes.podman.images import PodmanImage
from workshop.lab.runtimes.podman.runtime import LAB, PodmanRuntime

ANY_USER = 1000650000


class Pod:
    """A Pod's folder and the runtime."""

    def __init__(self, runtime: PodmanRuntime, folder: Path) -> None:
        self.runtime, self.folder, self.log = runtime, folder, folder / "log"
        folder.mkdir(parents=True)

    async def spec(self, *command: str, image: str = "busybox", **fields: Any) -> ContainerSpec:
        self.log.unlink(missing_ok=True)
        found = await self.runtime.image(image)
        return ContainerSpec("step-s", found, self.folder, self.log, command=command, hostname="the-pod", **fields)

    async def run(self, *command: str, **fields: Any) -> tuple[int, str]:
        """The exit code and the log of a container."""
        handle = await self.runtime.start(await self.spec(*command, **fields))
        return await handle.wait(), self.log.read_text()


@pytest.fixture
def paths(tmp_path: Path) -> LabPaths:
    made = LabPaths(tmp_path / "state")
    made.make()
    return made


@pytest.fixture
def pod(paths: LabPaths, podman_images: None) -> Pod:
    runtime = PodmanRuntime(paths)
    asyncio.run(runtime.open())
    return Pod(runtime, paths.pod("default", "the-pod"))


pytestmark = pytest.mark.xdist_group("podman")


@needs_podman
def test_container_has_its_command_variables_hostname_and_exit_code(pod: Pod) -> None:
    script = 'printf "%s\\n" "$A" "$HOSTNAME" "$1" "$PATH"; exit 126'
    env = {"A": "two\nlines", "PATH": "/bin"}
    code, log = asyncio.run(pod.run("sh", "-c", script, "x", args=("--flag",), env=env, defaults={"A": "default"}))
    assert (code, log) == (126, "two\nlines\nthe-pod\n--flag\n/bin\n")


@needs_podman
def test_container_sees_its_image_and_its_mounts_alone(pod: Pod, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_text("value")
    mounts = Mount(tmp_path / "secret", "/etc/secret", read_only=True), Mount(tmp_path / "data", "/data")
    (tmp_path / "data").mkdir()
    script = f"cat /etc/secret/key; echo x > /etc/secret/key || echo read-only; echo made > /data/file; ls {tmp_path}"
    code, log = asyncio.run(pod.run("sh", "-c", script, mounts=mounts))
    assert code != 0 and "read-only" in log and "No such file" in log
    assert (tmp_path / "data" / "file").read_text() == "made\n"
    assert (tmp_path / "secret" / "key").read_text() == "value"


@needs_podman
def test_any_user_id_can_write_where_a_pod_may_write(pod: Pod) -> None:
    for name in ("tekton/results", "workspace", "volumes/config"):
        (pod.folder / name).mkdir(parents=True, mode=0o700)
    (pod.folder / "volumes/config/key").write_text("read")
    (pod.folder / "volumes/config/key").chmod(0o600)
    mounts = (
        Mount(pod.folder / "tekton", "/tekton"),
        Mount(pod.folder / "workspace", "/workspace"),
        Mount(pod.folder / "volumes/config", "/config", read_only=True),
    )
    text = "id -u; id -G; cat /config/key; printf 1 > /tekton/results/r; touch /workspace/f; touch /bin/x || echo no"
    script = Script(text, pod.folder / "tekton" / "script", "/tekton/script")
    security = Security(ANY_USER, groups=(7,), escalation=False, dropped=("ALL",))
    code, log = asyncio.run(pod.run(script=script, mounts=mounts, security=security))
    assert (code, log.splitlines()[:2], log.splitlines()[-1]) == (0, [str(ANY_USER), "0 7"], "no"), log
    assert (pod.folder / "tekton/results/r").read_text() == "1"


@needs_podman
def test_program_that_is_not_there_and_root_that_is_forbidden_have_the_kubelets_reasons(pod: Pod) -> None:
    with pytest.raises(PodError, match='"nope": executable file not found') as caught:
        asyncio.run(pod.run("nope"))
    assert (caught.value.reason, pod.log.read_text()) == ("RunContainerError", "")
    with pytest.raises(PodError, match="image will run as root") as caught:
        asyncio.run(pod.run("true", security=Security(non_root=True)))
    assert caught.value.reason == "CreateContainerConfigError"


@needs_podman
def test_working_directory_that_the_image_lacks_is_made(pod: Pod) -> None:
    assert asyncio.run(pod.run("pwd", working_dir="/not/there")) == (0, "/not/there\n")
    assert asyncio.run(pod.run("sh", "-c", "ls env", working_dir="/bin")) == (0, "env\n")


@needs_podman
def test_output_is_copied_to_files_of_a_volume_and_nowhere_else(pod: Pod) -> None:
    (pod.folder / "workspace").mkdir()
    mounts = (Mount(pod.folder / "workspace", "/workspace"),)
    fields: dict[str, Any] = {"mounts": mounts, "stdout_copy": "/workspace/out", "stderr_copy": "/workspace/err"}
    code, _ = asyncio.run(pod.run("sh", "-c", "echo one; echo two >&2; exit 3", **fields))
    assert (code, *((pod.folder / "workspace" / name).read_text() for name in ("out", "err"))) == (3, "one\n", "two\n")
    with pytest.raises(PodError, match="/tmp/out is in no volume"):
        asyncio.run(pod.run("true", mounts=mounts, stdout_copy="/tmp/out"))


@needs_podman
def test_stopping_asks_first_and_kills_after_the_grace(pod: Pod) -> None:
    async def ends(script: str, grace: float) -> tuple[int, str]:
        handle = await pod.runtime.start(await pod.spec("sh", "-c", f"{script}; echo up; while :; do sleep 0.05; done"))
        await until_async(lambda: "up" in pod.log.read_text())
        assert handle.code is None
        return await handle.stop(grace), pod.log.read_text()

    assert asyncio.run(ends("trap 'echo bye; exit 7' TERM", 20)) == (7, "up\nbye\n")
    assert asyncio.run(ends("trap '' TERM", 0.5)) == (137, "up\n")


@needs_podman
def test_probe_runs_in_the_container_and_a_signal_reaches_it(pod: Pod) -> None:
    async def probed() -> tuple[list[int], int]:
        spec = await pod.spec("sh", "-c", "touch /tmp/ready; echo up; sleep 60")
        handle: Handle = await pod.runtime.start(spec)
        await until_async(lambda: "up" in pod.log.read_text())
        codes = []
        for name in ("ready", "other"):
            probe = dataclasses.replace(spec, command=("ls", f"/tmp/{name}"), log=Path("/dev/null"))
            codes.append(await (await pod.runtime.start_in(handle, probe)).wait())
        handle.signal(signal.SIGKILL)
        return codes, await handle.wait()

    assert asyncio.run(probed()) == ([0, 2], 137)


@needs_podman
def test_containers_of_a_lab_that_was_killed_are_removed_by_the_next_one(paths: LabPaths, podman_images: None) -> None:
    """Also by a lab in another folder, because the folder of a standalone run is not used again."""
    code = """
import asyncio, sys
from pathlib import Path
from workshop.lab.paths import LabPaths
from workshop.lab.runtimes.base import ContainerSpec
from workshop.lab.runtimes.podman.runtime import PodmanRuntime
async def main():
    paths = LabPaths(Path(sys.argv[1])); paths.make()
    runtime = PodmanRuntime(paths); await runtime.open()
    image = await runtime.image("busybox")
    await runtime.start(ContainerSpec("step-s", image, paths.root, paths.root / "log", command=("sleep", "600")))
    print("up", flush=True); await asyncio.sleep(600)
asyncio.run(main())
"""
    other = paths.root.parent / "other"
    with subprocess.Popen([sys.executable, "-c", code, str(other)], stdout=subprocess.PIPE, text=True) as lab:
        assert lab.stdout is not None and lab.stdout.readline() == "up\n"
        asyncio.run(PodmanRuntime(paths).open())
        assert _containers() == 1  # its lab runs
        os.kill(lab.pid, signal.SIGKILL)
    asyncio.run(PodmanRuntime(paths).open())
    assert _containers() == 0


def _containers() -> int:
    return len(podman.podman("ps", "-aq", f"--filter=label={LAB}").splitlines())


@needs_podman
def test_image_that_was_built_here_needs_no_registry(pod: Pod) -> None:
    async def ids() -> set[str]:
        registry = "image-registry.openshift-image-registry.svc:5000/mlops-workshop"
        names = ("busybox", "docker.io/busybox:latest", "localhost/tool:1", f"{registry}/tool:1", "tool:1")
        return {(await pod.runtime.image(name)).id for name in names}

    podman.podman("tag", "docker.io/library/busybox:latest", "localhost/tool:1")
    assert len(asyncio.run(ids())) == 1


@needs_podman
@pytest.mark.parametrize(
    ("ref", "policy", "reason", "message"),
    [
        ("Busy Box", "", "InvalidImageName", "couldn't parse image name"),
        ("docker.io/library/absent", "Never", "ErrImageNeverPull", "is not present with pull policy of Never"),
        ("127.0.0.1:1/absent:1", "", "ErrImagePull", 'could not pull image "127.0.0.1:1/absent:1"'),
        (
            "image-registry.openshift-image-registry.svc:5000/mlops-workshop/mlops-toolbox:0.1.0",
            "Always",
            "ErrImagePull",
            "podman build -f tekton/toolbox/Containerfile -t localhost/mlops-toolbox:0.1.0 .",
        ),
    ],
)
def test_image_that_cannot_be_had_has_the_kubelets_reason(
    pod: Pod, ref: str, policy: str, reason: str, message: str
) -> None:
    with pytest.raises(PodError) as caught:
        asyncio.run(pod.runtime.image(ref, policy))
    assert caught.value.reason == reason
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("command", "args", "expected"),
    [
        ((), (), ["entry", "cmd"]),
        ((), ("a",), ["entry", "a"]),
        (("c",), (), ["c"]),
        (("c",), ("a",), ["c", "a"]),
    ],
)
def test_command_and_args_replace_what_the_image_has(
    command: tuple[str, ...], args: tuple[str, ...], expected: list[str]
) -> None:
    image = PodmanImage("id", "id", entrypoint=("entry",), command=("cmd",))
    assert argv(ContainerSpec("s", image, Path(), Path(), command=command, args=args), image) == expected


@pytest.mark.parametrize(
    ("entrypoint", "args", "expected"),
    [
        ((), (), ["bash", "-i"]),
        ((), ("-c", "true"), ["bash", "-i", "-c", "true"]),
        (("entry",), ("a",), ["entry", "a"]),
        (("entry",), (), ["entry", "bash", "-i"]),
    ],
)
def test_args_of_a_step_follow_the_command_of_an_image_without_an_entrypoint(
    entrypoint: tuple[str, ...], args: tuple[str, ...], expected: list[str]
) -> None:
    image = PodmanImage("id", "id", entrypoint=entrypoint, command=("bash", "-i"))
    assert argv(ContainerSpec("s", image, Path(), Path(), args=args, extends=True), image) == expected


def test_values_of_variables_are_in_no_argument_unless_podman_would_read_them() -> None:
    words, env = passed({"TOKEN": "hidden", "LD_PRELOAD": "x.so", "HOME": "/h"})
    assert words == ["--env=TOKEN", "--env=LD_PRELOAD=x.so", "--env=HOME=/h"]
    assert env["TOKEN"] == "hidden"
    assert "LD_PRELOAD" not in env
    assert env["HOME"] != "/h"


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("busybox", "docker.io/library/busybox:latest"),
        ("me/tool:1", "docker.io/me/tool:1"),
        ("localhost/tool", "localhost/tool:latest"),
        ("quay.io:443/me/tool", "quay.io:443/me/tool:latest"),
        (f"tool:1@sha256:{'0' * 64}", f"docker.io/library/tool@sha256:{'0' * 64}"),
    ],
)
def test_name_of_an_image_is_completed_as_on_a_cluster(text: str, full: str) -> None:
    assert images.parse(text).full == full

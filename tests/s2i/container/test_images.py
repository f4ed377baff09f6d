"""The builder makes images that serve under OpenShift's rules, and makes them again in seconds."""

from __future__ import annotations

import json
import random
import time

import pytest

from tests.s2i.container.conftest import BUILDER, PACKAGES, Model
from tests.s2i.container.engine import Engine
from tests.s2i.flights import KIT
from workshop.lab.images.builder import env_and_labels


@pytest.fixture
def somebody() -> str:
    """A user as OpenShift picks them: any id, in group 0."""
    return f"{random.randrange(1_000_000_000, 2_000_000_000)}:0"


def flight() -> dict[str, object]:
    body: dict[str, object] = json.loads((KIT / "seldon/requests/flight.json").read_text())
    return body


def test_the_builder_says_what_s2i_reads(engine: Engine) -> None:
    config = engine.inspect(BUILDER)
    env, labels = env_and_labels(KIT / "s2i/Containerfile")
    assert labels.items() <= config["Labels"].items()
    assert {f"{name}={value}" for name, value in env.items()} <= set(config["Env"])
    assert config["Labels"]["io.openshift.s2i.scripts-url"] == "image:///usr/libexec/s2i"
    assert config["User"] == "1001"
    assert "s2i build SOURCE model-builder IMAGE" in engine.podman("run", "--rm", "--network", "host", BUILDER)


@pytest.mark.parametrize("server", ["modelserver", "seldon-core"])
def test_it_serves_as_any_user_in_group_0_without_rights(
    engine: Engine, image: str, somebody: str, server: str
) -> None:
    with engine.running(image, somebody, f"--env=MODEL_SERVER={server}") as container:
        answer = container.ask("POST", "/api/v1.0/predictions", flight())
        assert answer.status == 200, answer.data
        assert answer.json()["data"]["names"] == ["on_time", "late"]
        assert sum(answer.json()["data"]["ndarray"][0]) == pytest.approx(1)
        assert b"model_predictions_total" in container.ask("GET", "/prometheus", metrics=True).data
        # The operator's preStop hook is `/bin/sh -c "/bin/sleep 10"`.
        assert container.sh("/bin/sleep 0 && id -u && id -g").split() == [somebody.split(":")[0], "0"]
        began = time.monotonic()
        engine.podman("stop", "-t", "30", container.name)
        code = engine.podman("inspect", container.name, "--format", "{{.State.ExitCode}}").strip()
        assert (code, time.monotonic() - began < 20) == ("0", True), "SIGTERM does not reach the server"


def test_the_image_has_the_model_once_and_its_servers_are_read_only(engine: Engine, image: str, somebody: str) -> None:
    script = """
        find /tmp -type f
        find /opt/builder /usr/libexec/s2i -writable
        find /opt /usr/libexec/s2i -perm /6000
        test -w /opt/app-root/src || echo the source is closed to group 0
        test -f /opt/app-root/src/models/serving/model.onnx || echo no model
        test -e /opt/app-root/src/tests && echo the tests are in the image
        true
    """
    command = ["run", "--rm", "--user", somebody, "--network", "host", "--entrypoint", "/bin/sh", image]
    assert engine.podman(*command, "-c", script) == ""


def test_the_image_says_what_was_built_from_what(engine: Engine, image: str) -> None:
    config = engine.inspect(image)
    assert config["Labels"]["io.openshift.s2i.build.image"] == PACKAGES
    assert "MODEL_NAME=FlightDelay" in config["Env"]
    assert config["User"] == "1001"
    assert config["Cmd"][-1] == "/usr/libexec/s2i/run"


def test_an_incremental_build_reuses_the_packages(engine: Engine, image: str, model: Model, somebody: str) -> None:
    model.change()
    took = model.build("localhost/incremental:1", image, "--incremental", builder=BUILDER)
    assert "reusing the packages of the previous image" in took.log
    assert "installing" not in took.log
    with engine.running("localhost/incremental:1", somebody) as container:
        assert container.ask("POST", "/api/v1.0/predictions", flight()).status == 200
        assert container.sh("tail -1 FlightDelay.py; ls /tmp/artifacts 2>&1 | wc -l") == "# changed\n1\n"


@pytest.mark.parametrize("program", ["buildah", "podman"])
def test_a_rebuild_after_a_change_of_source_installs_nothing(
    engine: Engine, image: str, model: Model, somebody: str, program: str
) -> None:
    """Why it takes seconds, as a person does it; how many, `python -m tests.bench.builds` measures."""
    model.packages(program)
    model.change()
    packages = model.packages(program)
    assert packages.log.count("Using cache") == 2, packages.log
    took = model.build(f"localhost/{program}-rebuilt:1", program=program)
    assert "the packages are in the image that this one is built on" in took.log
    assert "installing" not in took.log
    with engine.running(f"localhost/{program}-rebuilt:1", somebody) as container:
        assert container.sh("tail -1 FlightDelay.py") == "# changed\n"
        assert container.ask("POST", "/api/v1.0/predictions", flight()).status == 200


def test_a_model_that_does_not_start_fails_the_build(image: str, model: Model) -> None:
    (model.source / "FlightDelay.py").write_text("import nothing_of_that_name\n")
    with pytest.raises(AssertionError, match="needs the module nothing_of_that_name"):
        model.build("localhost/broken:1")

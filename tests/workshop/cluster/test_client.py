"""The client finds its server as kubectl does, and its errors name the problem and the next command."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.workshop.lab.serving import Lab
from workshop.cluster import config as configs
from workshop.cluster.client import ApiFailure, Client
from workshop.cluster.resources import match
from workshop.errors import SetupError
from workshop.lab.kinds import built_in
from workshop.manifests.apiresource import ApiResource


@pytest.fixture
def client(lab: Lab, namespace: str) -> Client:
    return Client.load(lab.state.kubeconfig, namespace=namespace)


def config_map(name: str = "x", **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def test_objects_are_created_read_changed_and_deleted(client: Client) -> None:
    client.create(config_map(a="1"))
    assert client.apply(config_map(a="2"))["data"] == {"a": "2"}
    assert client.patch("cm", None, "x", {"data": {"b": "3"}})["data"] == {"a": "2", "b": "3"}
    assert [o["metadata"]["name"] for o in client.list("ConfigMap", labels={})] == ["x"]
    client.delete("configmaps", None, "x")
    client.delete("configmaps", None, "x", missing_ok=True)
    assert client.find("cm", None, "x") is None


def test_servers_error_keeps_code_reason_and_message(client: Client) -> None:
    with pytest.raises(ApiFailure) as caught:
        client.get("pr", None, "nope")
    error = caught.value
    assert (error.code, error.reason, str(error)) == (404, "NotFound", 'pipelineruns.tekton.dev "nope" not found')
    with pytest.raises(ApiFailure, match='no matches for kind "Nope" in version "v1"'):
        client.create({"apiVersion": "v1", "kind": "Nope", "metadata": {"name": "x"}})


def test_unknown_field_is_refused(client: Client) -> None:
    with pytest.raises(ApiFailure, match='unknown field "dataa"'):
        client.create({**config_map(), "dataa": {}})


def test_watch_returns_changes_and_ends(client: Client) -> None:
    def work() -> None:
        other = Client(client.config)
        other.create(config_map("later"))
        other.delete("cm", None, "later")

    client.create(config_map("there"))
    found = []
    for number, (change, obj) in enumerate(client.watch("cm", timeout=10)):
        if number == 0:
            threading.Thread(target=work).start()
        found.append((change, obj["metadata"]["name"]))
        if number == 2:
            break
    assert found == [("ADDED", "there"), ("ADDED", "later"), ("DELETED", "later")]
    assert list(client.watch("cm", name="nobody", timeout=1)) == []


def test_logs_are_read_and_followed(client: Client, lab: Lab, namespace: str) -> None:
    pod = {
        "metadata": {"name": "p", "namespace": namespace},
        "spec": {"containers": [{"name": "c"}]},
        "status": {"phase": "Succeeded"},
    }
    lab.call(lab.store.create, built_in("Pod"), pod)
    file = lab.state.container_log(namespace, "p", "c")
    file.parent.mkdir(parents=True)
    file.write_text("one\ntwo\n")
    assert client.logs(None, "p", tail=1) == "two\n"
    assert list(client.follow(None, "p", "c")) == [b"one", b"two"]


def test_connection_that_the_server_closed_is_opened_again(client: Client) -> None:
    client.list("cm")
    client.http._local.connection.sock.close()
    client.http._local.connection.sock = None
    assert client.list("cm") == []


def test_server_that_is_not_there_names_the_next_command(tmp_path: Path, lab: Lab) -> None:
    content = json.loads(lab.state.kubeconfig.read_text())
    content["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    (tmp_path / "config").write_text(json.dumps(content))
    with pytest.raises(SetupError) as caught:
        Client.load(tmp_path / "config").list("pods")
    assert str(caught.value) == (
        "the API server at https://127.0.0.1:1 does not answer: Connection refused\n"
        "  start the lab with 'workshop up', or log in to a cluster with 'oc login'"
    )


def test_server_with_another_certificate_is_not_trusted(tmp_path: Path, lab: Lab) -> None:
    content = json.loads(lab.state.kubeconfig.read_text())
    del content["clusters"][0]["cluster"]["certificate-authority-data"]
    (tmp_path / "config").write_text(json.dumps(content))
    with pytest.raises(SetupError, match="CERTIFICATE_VERIFY_FAILED"):
        Client.load(tmp_path / "config").list("pods")


def kubeconfig(path: Path, context: str, **user: Any) -> Path:
    path.write_text(
        json.dumps(
            {
                "current-context": context,
                "clusters": [{"name": "c", "cluster": {"server": f"https://{context}"}}],
                "users": [{"name": "u", "user": user}],
                "contexts": [{"name": context, "context": {"cluster": "c", "user": "u", "namespace": "n"}}],
            }
        )
    )
    return path


def test_named_file_comes_before_the_variable_before_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / ".kube"
    home.mkdir()
    kubeconfig(home / "config", "home", token="t")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert configs.find().context == "home"
    one, two = kubeconfig(tmp_path / "one", "one", token="t"), kubeconfig(tmp_path / "two", "two", token="t")
    monkeypatch.setenv("KUBECONFIG", f"{one}:{two}")
    assert configs.find().context == "one"
    assert configs.find(context="two").namespace == "n"
    assert configs.find(two).context == "two"


def test_pod_uses_its_service_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(SetupError, match="no cluster is configured: looked in"):
        configs.find()
    for name, text in (("token", "secret\n"), ("ca.crt", "pem"), ("namespace", "mine")):
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(configs, "SERVICE_ACCOUNT", tmp_path)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    found = configs.find()
    assert (found.server, found.token, found.namespace) == ("https://10.0.0.1:443", "secret", "mine")


def test_credentials_from_a_plugin_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="credentials from a plugin are not supported"):
        configs.find(kubeconfig(tmp_path / "config", "x", exec={"command": "x"}))


@pytest.mark.parametrize(
    "word",
    ["pr", "prs", "pipelinerun", "pipelineruns", "PipelineRun", "pipelineruns.tekton.dev", "pipelinerun.v1.tekton.dev"],
)
def test_kind_goes_by_all_its_names(word: str) -> None:
    runs = ApiResource("tekton.dev", "v1", "PipelineRun", "pipelineruns", short_names=("pr", "prs"))
    assert match([runs], word) is runs
    assert match([runs], "pipelineruns.other") is None

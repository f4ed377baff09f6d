"""JupyterHub's configuration on OpenShift: users log in with their account, and each gets a Pod in their own project.

A participant `user1` works in the project `user1-dev`, in which the Tasks of their pipelines also run. The notebook Pod
runs in that project and not in the hub's: it gets the same addresses from the ConfigMap `mlops-endpoints` as the Tasks,
it counts against the participant's quota, and the hub needs rights only in projects that grant them
(`notebooks/openshift/participant`). KubeSpawner's `enable_user_namespaces` would watch the Pods of the whole cluster.
In the lab, `workshop/lab/components/jupyterhub_config.py` has this role.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from kubernetes_asyncio.client import ApiException
from oauthenticator.openshift import OpenShiftOAuthenticator
from tornado.web import HTTPError
from traitlets.config import get_config

FOLDER = os.environ["HUB_FOLDER"]
HOME = "/home/participant"
CLONE = f"{HOME}/mlops-workshop"
OWNER = "mlops-workshop/participant"
"""The label with the participant's name on their objects, which tekton/participant sets."""
ACCOUNT = "notebook"
"""The ServiceAccount of the terminal's `oc`: `edit` in the dev project, `view` in staging and production."""


async def into_own_project(spawner: Any) -> None:
    """Choose the participant's project. Raises HTTPError (403) when it does not exist or does not let the hub in."""
    spawner.namespace = f"{spawner.user.name}-dev"
    try:
        account = await spawner.api.read_namespaced_service_account(ACCOUNT, spawner.namespace)
    except ApiException as e:
        if e.status not in (403, 404):
            raise
        raise _refused(
            f"{spawner.namespace} is no project that lets the hub in; "
            "your instructor gives it what is in notebooks/openshift/participant"
        ) from e
    # A name that begins like the project's is not enough: anybody may have made a project of this name.
    owner = (account.metadata.labels or {}).get(OWNER)
    if owner != spawner.user.name:
        raise _refused(
            f"{spawner.namespace} belongs to {owner or 'nobody of the workshop'}, not to {spawner.user.name}"
        )


def _refused(text: str) -> HTTPError:
    """A 403 with the text that the page shows. The error's own text is only in the log."""
    refused = HTTPError(403)
    refused.jupyterhub_message = text
    return refused


class ExactNames(OpenShiftOAuthenticator):
    """Keeps user names as they are. OpenShift has `Alice` and `alice`; JupyterHub's default makes one user of them."""

    def normalize_username(self, username: str) -> str:
        """The name as it is; `username_pattern` then refuses one with capitals."""
        return username


c = get_config()
c.JupyterHub.bind_url = os.environ.get("HUB_BIND_URL", "http://:8000")
c.JupyterHub.hub_bind_url = os.environ.get("HUB_API_BIND_URL", "http://:8081")
c.JupyterHub.hub_connect_url = os.environ["HUB_CONNECT_URL"]
c.JupyterHub.db_url = f"sqlite:///{FOLDER}/hub.sqlite"
c.JupyterHub.cookie_secret_file = f"{FOLDER}/cookie_secret"
# A new Pod of the hub finds the running servers, so users can continue to work.
c.JupyterHub.cleanup_servers = False
c.ConfigurableHTTPProxy.api_url = os.environ.get("HUB_PROXY_URL", "http://127.0.0.1:8001")
c.ConfigurableHTTPProxy.command = [
    sys.executable,
    "-c",
    "from configurable_http_proxy.cli import main; main()",
    # Milliseconds. The default ends the stream of a slow start after 20 s, and the page then waits for ever.
    "--proxy-timeout=600000",
    # Keep the headers of OpenShift's router. The proxy would write http, and the login would redirect wrongly.
    "--no-x-forward",
]
c.ConfigurableHTTPProxy.pid_file = f"{FOLDER}/proxy.pid"

# This class reads client id, client secret and the API server's address from variables of the Deployment.
c.JupyterHub.authenticator_class = ExactNames
# Every account may log in. Only users with a project that lets the hub in get a server.
c.OpenShiftOAuthenticator.allow_all = True
c.Authenticator.auto_login = True
# A name that a project's name can begin with. `kube:admin` is not a participant.
c.Authenticator.username_pattern = r"[a-z0-9]([a-z0-9-]{0,57}[a-z0-9])?\Z"

c.JupyterHub.spawner_class = "kubespawner.KubeSpawner"
c.Spawner.pre_spawn_hook = into_own_project
c.KubeSpawner.image = os.environ["NOTEBOOK_IMAGE"]
# The tag moves when the image is built again, and nodes keep images.
c.KubeSpawner.image_pull_policy = "Always"
c.KubeSpawner.pod_name_template = c.KubeSpawner.pvc_name_template = "notebook"
c.KubeSpawner.common_labels = {"app.kubernetes.io/part-of": "mlops-workshop"}
c.KubeSpawner.extra_labels = {"app.kubernetes.io/name": "notebook"}
c.KubeSpawner.service_account = ACCOUNT
c.KubeSpawner.extra_container_config = {
    "envFrom": [
        {"configMapRef": {"name": "mlops-endpoints"}},
        {"secretRef": {"name": "mlops-credentials", "optional": True}},
    ]
}

# The settings that restricted-v2 requires, for clusters that do not set them.
c.KubeSpawner.pod_security_context = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
c.KubeSpawner.container_security_context = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
}
c.KubeSpawner.storage_pvc_ensure = True
c.KubeSpawner.storage_capacity = "5Gi"
c.KubeSpawner.storage_access_modes = ["ReadWriteOnce"]
c.KubeSpawner.volumes = [
    {"name": "home", "persistentVolumeClaim": {"claimName": "notebook"}},
    {"name": "tmp", "emptyDir": {"sizeLimit": "2Gi"}},
]
c.KubeSpawner.volume_mounts = [{"name": "home", "mountPath": HOME}, {"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108
# A notebook uses up to 0.5 GiB (measured). `dvc repro` trains two candidates at the same time.
c.KubeSpawner.cpu_guarantee, c.KubeSpawner.cpu_limit = 0.1, 2
c.KubeSpawner.mem_guarantee, c.KubeSpawner.mem_limit = "512M", "2G"

# start-notebook creates the clone the first time. `workshop shell` is the participant's terminal, as in the lab.
c.Spawner.cmd = ["start-notebook", "jupyterhub-singleuser"]
c.Spawner.environment = {
    "HOME": HOME,
    "SHELL": "/bin/bash",
    "WORKSHOP_USER": lambda spawner: spawner.user.name,
    # For `git push`: start-notebook sets up the helper that reads it.
    "GIT_PASSWORD": {"valueFrom": {"secretKeyRef": {"name": "git-login", "key": "password", "optional": True}}},
}
c.Spawner.default_url = "/lab"
c.Spawner.notebook_dir = CLONE
# The guide's pages are below the server's own address, and with it behind the hub's login.
GUIDE = {
    "command": ["workshop", "guide", "--port", "{port}", "--root", "{base_url}workshop"],
    "absolute_url": True,
    "timeout": 60,
    "launcher_entry": {"title": "Guide"},
}
c.Spawner.args = [
    "--ServerProxy.servers=" + repr({"workshop": GUIDE}),
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.extension_manager=readonly",
    # Not a login shell: /etc/profile would replace PATH, and with it `dvc` and `workshop`.
    "--ServerApp.terminado_settings=shell_command=['/bin/bash']",
]
# On the first start, the node pulls the image and the clone is created; both take time.
c.Spawner.start_timeout = 600
c.Spawner.http_timeout = 120

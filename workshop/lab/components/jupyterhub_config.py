"""JupyterHub's configuration in the lab, for `jupyterhub -f` in the environment of `jupyterhub.py`.

It supports one participant. `notebooks/openshift/` configures the hub of a cluster.
"""

from __future__ import annotations

import atexit
import os
import sys
from pathlib import Path

from traitlets.config import get_config

from workshop.lab.components.jupyterhub_login import TokenAuthenticator
from workshop.lab.components.jupyterhub_spawner import HomeSpawner
from workshop.lab.ports import reserve
from workshop.lab.process_environment import SHELL_RC
from workshop.lab.sessions import SESSION_SECONDS

SETTINGS = {name: value for name, value in os.environ.items() if name.startswith("LAB_HUB_")}
FOLDER = Path(SETTINGS["LAB_HUB_FOLDER"])
HOME = Path(SETTINGS["LAB_HUB_HOME"])
NOTEBOOKS = Path(SETTINGS["LAB_HUB_NOTEBOOKS"])
USER = SETTINGS["LAB_HUB_USER"]
NOTIFICATIONS = "@jupyterlab/apputils-extension/notification.jupyterlab-settings"
OWN = ("LAB_HUB_", "JUPYTERHUB_", "CONFIGPROXY_")


def quiet_notifications(settings: Path) -> None:
    """Answer JupyterLab's question about news in advance. A later choice of the participant is kept."""
    file = settings / NOTIFICATIONS
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text('{"fetchNews": "false", "checkForUpdates": false}\n', encoding="utf-8")


c = get_config()
quiet_notifications(Path(os.environ["JUPYTERLAB_SETTINGS_DIR"]))
hub_port, proxy_port = reserve(), reserve(for_own_user=True)
for port in (hub_port, proxy_port):
    # This file's names are deleted after it was read; the hub holds its ports until it ends.
    atexit.register(port.close)

c.JupyterHub.bind_url = f"http://127.0.0.1:{SETTINGS['LAB_HUB_PORT']}"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{hub_port.number}"
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{proxy_port.number}"
c.ConfigurableHTTPProxy.command = [
    sys.executable,
    "-m",
    "workshop.lab.components.jupyterhub_proxy",
    # Milliseconds. The default ends the stream of a slow start after 20 s, and then the page waits forever.
    "--proxy-timeout=600000",
]
c.ConfigurableHTTPProxy.pid_file = str(FOLDER / "proxy.pid")
c.JupyterHub.db_url = f"sqlite:///{FOLDER / 'hub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(FOLDER / "cookie_secret")
# Stop the notebook servers with the hub: they need it to authenticate requests.
c.JupyterHub.cleanup_servers = True
c.JupyterHub.cleanup_proxy = True

# This text is above the login form, for a browser that does not come from the lab's console.
c.JupyterHub.template_vars = {
    "announcement_login": "Open the lab's console by the link that <code>workshop status</code> prints, then open "
    f"JupyterHub from there. Or log in here: the user is <code>{USER}</code>, and the password is the token in "
    "that link, the part after <code>#token=</code>."
}
c.JupyterHub.authenticator_class = TokenAuthenticator
c.TokenAuthenticator.token = Path(SETTINGS["LAB_HUB_TOKEN_FILE"]).read_text(encoding="utf-8").strip()
c.TokenAuthenticator.participant = USER
c.TokenAuthenticator.console = SETTINGS["LAB_HUB_CONSOLE"]
c.JupyterHub.cookie_max_age_days = SESSION_SECONDS / 86400
c.Authenticator.allowed_users = {USER}

c.JupyterHub.spawner_class = HomeSpawner
c.HomeSpawner.home = str(HOME)
c.Spawner.cmd = [sys.executable, "-m", "jupyterhub.singleuser"]
c.Spawner.ip = "127.0.0.1"
c.Spawner.default_url = "/lab"
c.Spawner.notebook_dir = str(NOTEBOOKS if NOTEBOOKS.is_dir() else HOME)
# Terminals open in the clone, where the commands of the guide work.
c.HomeSpawner.popen_kwargs = {"cwd": c.Spawner.notebook_dir}
c.Spawner.env_keep = []
c.Spawner.environment = {name: value for name, value in os.environ.items() if not name.startswith(OWN)}
# JupyterLab's first start on a slow disk can take longer than the default of 30 s.
c.Spawner.http_timeout = 90
c.Spawner.start_timeout = 90
c.Spawner.args = [
    # With TCP, any user of this machine could connect to a kernel and read a notebook's output.
    "--KernelManager.transport=ipc",
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.extension_manager=readonly",
    # Not a login shell: /etc/profile would replace PATH and hide `oc` and `workshop`.
    f"--ServerApp.terminado_settings=shell_command=['/bin/bash', '--rcfile', '{SHELL_RC}']",
    "--ServerApp.root_dir=" + c.Spawner.notebook_dir,
]
if os.geteuid() == 0:
    # In a container the lab may run as root, and Jupyter must be allowed to.
    c.Spawner.args.append("--ServerApp.allow_root=True")

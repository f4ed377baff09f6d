"""The credentials of a Pod: the token of its ServiceAccount, as a kubelet projects it, and a kubeconfig with it.

A program of a Pod finds the token at `/var/run/secrets/kubernetes.io/serviceaccount` and the API server by
KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT. KUBECONFIG is the lab's own addition: without mount namespaces a
program cannot find a file by that path. The token ends with its Pod.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from workshop.lab.api_errors import NotFound
from workshop.lab.identity.account_tokens import POD_SECONDS, AccountTokens, Bound
from workshop.lab.identity.kubeconfig import write_kubeconfig
from workshop.lab.kinds import built_in
from workshop.lab.kubelet.pod import PodPlan
from workshop.lab.private_files import write_private
from workshop.lab.runtimes.base import Mount, PodError

TARGET = "/var/run/secrets/kubernetes.io/serviceaccount"
DEFAULT = "default"


@dataclass(frozen=True)
class PodAccess:
    """What a container of a Pod gets: a folder, and variables that its image may override.

    `of_this_machine` are variables with paths of the host.
    """

    mount: Mount
    env: dict[str, str]
    of_this_machine: dict[str, str]


@dataclass(frozen=True)
class Credentials:
    """Makes the credentials of Pods for an API server; `authority` is the file of its certificate authority."""

    accounts: AccountTokens
    server: str
    authority: Path

    def refusal(self, plan: PodPlan) -> str:
        """Why the API server does not admit the Pod, in its words; empty when it does."""
        name = self.missing_account(plan)
        return name and (
            f'pods "{plan.name}" is forbidden: error looking up service account {plan.namespace}/{name}: '
            f'serviceaccount "{name}" not found'
        )

    def missing_account(self, plan: PodPlan) -> str:
        """The name of the Pod's ServiceAccount if there is none; else empty."""
        name = plan.service_account or DEFAULT
        found = self.accounts.store.find(built_in("ServiceAccount"), plan.namespace, name)
        return name if found is None else ""

    def make(self, plan: PodPlan) -> PodAccess | None:
        """Write the files of a Pod that is in the store; None when the Pod, or else its account, mounts no token.

        Raises PodError when the account or the Pod is gone, OSError.
        """
        store, name = self.accounts.store, plan.service_account or DEFAULT
        try:
            account = store.get(built_in("ServiceAccount"), plan.namespace, name)
            pod = store.get(built_in("Pod"), plan.namespace, plan.name)
        except NotFound as e:
            raise PodError("FailedMount", f"failed to fetch token: {e}") from e
        mounts = pod["spec"].get("automountServiceAccountToken")
        if mounts is False or (mounts is None and account.get("automountServiceAccountToken") is False):
            return None
        bound = Bound("Pod", plan.name, pod["metadata"]["uid"])
        token = self.accounts.issue(plan.namespace, name, seconds=POD_SECONDS, bound=bound)
        folder, kubeconfig = plan.folder / "serviceaccount", plan.folder / "kubeconfig"
        for file, text in (("token", token), ("namespace", plan.namespace), ("ca.crt", self.authority.read_text())):
            write_private(folder / file, text.encode())
        write_kubeconfig(
            kubeconfig,
            server=self.server,
            authority=self.authority,
            token=token,
            user=name,
            namespace=plan.namespace,
        )
        address = urlsplit(self.server)
        env = {
            "KUBERNETES_SERVICE_HOST": str(address.hostname),
            "KUBERNETES_SERVICE_PORT": str(address.port),
        }
        return PodAccess(Mount(folder, TARGET, read_only=True), env, {"KUBECONFIG": str(kubeconfig)})

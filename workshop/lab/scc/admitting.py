"""The admission of Pods: the first SecurityContextConstraint that may be used and that the Pod fits.

A constraint may be used by whoever sends the Pod, and by the Pod's ServiceAccount, as RBAC's verb `use` says.
"""

from __future__ import annotations

from dataclasses import dataclass

from workshop.lab.identity.account_tokens import account_user
from workshop.lab.identity.users import User
from workshop.lab.rbac.attributes import Attributes, refused
from workshop.lab.rbac.policy import Policy
from workshop.lab.scc.checking import faults
from workshop.lab.scc.constraints import CONSTRAINTS, USED, Constraint
from workshop.manifests.objects import Object, annotations_of

TEKTON = account_user("openshift-pipelines", "tekton-pipelines-controller")
"""Who sends the Pods of TaskRuns."""
_PLACE = ("security.openshift.io", "securitycontextconstraints")


@dataclass(frozen=True)
class PodSecurity:
    """The admission of one lab."""

    policy: Policy

    def admitted(self, pod: Object, user: User) -> Object:
        """The Pod with the name of its constraint. Raises Forbidden with the faults of every constraint."""
        meta = pod["metadata"]
        namespace = str(meta["namespace"])
        account = account_user(namespace, (pod.get("spec") or {}).get("serviceAccountName") or "default")
        why: list[str] = []
        for constraint in CONSTRAINTS:
            if not self._usable(constraint, namespace, user, account):
                why.append(f'provider "{constraint.name}": Forbidden: not usable by user or serviceaccount')
                continue
            found = faults(constraint, pod)
            if not found:
                annotations = {**annotations_of(pod), USED: constraint.name}
                return {**pod, "metadata": {**meta, "annotations": annotations}}
            why += found
        listed = ", ".join(dict.fromkeys(why))
        text = f"unable to validate against any security context constraint: [{listed}]"
        raise refused("", "pods", str(meta.get("name") or ""), text)

    def _usable(self, constraint: Constraint, namespace: str, *users: User) -> bool:
        wanted = Attributes("use", *_PLACE, namespace, constraint.name)
        return any(self.policy.decide(user, wanted).allowed for user in users)

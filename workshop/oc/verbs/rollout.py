"""rollout status and scale: Deployments."""

from __future__ import annotations

import time
from typing import Any

from workshop.cluster.client import PATCH, ApiFailure
from workshop.oc.asking import FILES, SELECTOR, Named, chosen, named
from workshop.oc.failures import Failed
from workshop.oc.flags import BadUsage, Flag
from workshop.oc.session import Session
from workshop.oc.verbs.apply import report
from workshop.oc.verbs.wait import POLL, seconds

FLAGS = {
    "rollout": (*FILES, Flag("selector", "l"), Flag("timeout"), Flag("watch", "w", "yes"), Flag("revision")),
    "scale": (*FILES, *SELECTOR, Flag("replicas"), Flag("current-replicas"), Flag("timeout"), Flag("output", "o")),
}
Object = dict[str, Any]


def rollout(session: Session) -> int:
    """status: follow until the new Pods serve. restart: replace the Pods."""
    verb, *names = session.words.args or [""]
    if verb not in ("status", "restart"):
        raise BadUsage(f'unknown command "{verb}" for oc rollout: allowed are status and restart')
    for one in named(session, names):
        if not one.name or (one.resource.group, one.resource.kind) != ("apps", "Deployment"):
            raise Failed(f"no status viewer has been implemented for {one.resource.kind}: allowed is Deployment")
        if verb == "restart":
            stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            made = session.client.http.request(
                "PATCH",
                one.path,
                media=PATCH["strategic"],
                body={
                    "spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": stamp}}}}
                },
            )
            report(session, one, made, "restarted")
        else:
            _status(session, one)
    return 0


def _status(session: Session, one: Named) -> None:
    limit = seconds(session.words.text("timeout", "0s")) or 7 * 86400.0
    ends = time.monotonic() + limit
    said = ""
    while True:
        told, done = progress(session.client.http.request("GET", one.path))
        if told != said:
            session.out.write(told)
            session.out.flush()
            said = told
        if done or not session.words.yes("watch", True):
            return
        if time.monotonic() > ends:
            raise Failed("timed out waiting for the condition")
        time.sleep(POLL)


def progress(deployment: Object) -> tuple[str, bool]:
    """kubectl's sentence about a Deployment, and whether its rollout is done. Raises Failed when it has given up."""
    name = deployment["metadata"]["name"]
    status = deployment.get("status") or {}
    wanted = (deployment.get("spec") or {}).get("replicas", 1)
    if deployment["metadata"].get("generation", 0) > status.get("observedGeneration", 0):
        return "Waiting for deployment spec update to be observed...\n", False
    for one in status.get("conditions") or []:
        if one.get("type") == "Progressing" and one.get("reason") == "ProgressDeadlineExceeded":
            raise Failed(f'deployment "{name}" exceeded its progress deadline')
    updated, total = status.get("updatedReplicas") or 0, status.get("replicas") or 0
    available = status.get("availableReplicas") or 0
    waiting = f'Waiting for deployment "{name}" rollout to finish: '
    if updated < wanted:
        return f"{waiting}{updated} out of {wanted} new replicas have been updated...\n", False
    if total > updated:
        return f"{waiting}{total - updated} old replicas are pending termination...\n", False
    if available < updated:
        return f"{waiting}{available} of {updated} updated replicas are available...\n", False
    return f'deployment "{name}" successfully rolled out\n', True


def scale(session: Session) -> int:
    """Set the number of replicas."""
    wanted = session.words.text("replicas")
    if not wanted.isdigit():
        raise BadUsage("The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0")
    for one in chosen(session, session.words.args, verb="scale"):
        if "scale" not in one.resource.subresources:
            raise ApiFailure(404, "NotFound", "the server could not find the requested resource", {"name": one.name})
        path = one.resource.path(one.namespace, one.name, "scale")
        current = session.words.text("current-replicas")
        try:
            now = session.client.http.request("GET", path)
        except ApiFailure as e:
            if e.code != 404:
                raise
            raise Failed(f"no objects passed to scale {e.message}") from e
        if current and int(current) != now["spec"].get("replicas", 0):
            raise Failed(f"Expected replicas to be {current}, was {now['spec'].get('replicas', 0)}")
        change = {"spec": {"replicas": int(wanted)}}
        made = session.client.http.request("PATCH", path, body=change, media=PATCH["merge"])
        report(session, one, made, "scaled")
    return 0

"""The log of a listener: `oc logs deploy/el-<name>` and `oc logs -l eventlistener=<name>`.

A line is one JSON object with the keys of Triggers' own log, so a search that works here works on a cluster. The
supervisor's log has the same entries. Neither contains a secret or a body.
"""

from __future__ import annotations

import logging
import re
import shutil
import time

import orjson

from workshop.lab.controllers.triggers.workload import CONTAINER, generated_name, pod_names
from workshop.lab.paths import LabPaths
from workshop.manifests.objects import Object

MAX_BYTES = 8 * 1024 * 1024
"""Size limit of one log in bytes. Then a new log begins and the previous one is kept, as by a kubelet."""
log = logging.getLogger("workshop.lab.triggers")


class Logbook:
    """Writes the logs of listeners' Pods."""

    def __init__(self, state: LabPaths) -> None:
        self._state = state

    def write(
        self,
        listener: Object,
        level: int,
        text: str,
        *,
        event: str = "",
        trigger: str = "",
        group: str = "",
        exc_info: bool = False,
    ) -> None:
        """Write a line, about one event and one trigger or group where they apply."""
        meta = listener["metadata"]
        about = {"event": event, "trigger": trigger, "group": group}
        where = "".join(f"{what} {name}: " for what, name in about.items() if name)
        log.log(level, "%s/%s: %s%s", meta["namespace"], meta["name"], where, text, exc_info=exc_info)
        pods = pod_names(listener)
        if not pods:
            return
        moment = time.time()
        line = {
            "level": {logging.WARNING: "warn", logging.ERROR: "error"}.get(level, "info"),
            "ts": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment)) + f".{int(moment * 1000) % 1000:03d}Z",
            "logger": "eventlistener",
            "msg": text,
            "eventlistener": meta["name"],
            "namespace": meta["namespace"],
            "eventlistenerUID": meta["uid"],
            **({"/triggers-eventid": event} if event else {}),
            **({"/trigger": trigger} if trigger else {}),
            **({"/triggergroup": group} if group else {}),
        }
        # One Pod logs an event and everything that the event causes.
        pod = pods[int(event[:8], 16) % len(pods) if event else 0]
        path = self._state.container_log(meta["namespace"], pod, CONTAINER)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists() and path.stat().st_size > MAX_BYTES:
                path.replace(path.with_suffix(".log.1"))
            with path.open("ab") as file:
                file.write(orjson.dumps(line) + b"\n")
        except OSError as e:
            log.warning("%s/%s: the log of its Pod cannot be written: %s", meta["namespace"], meta["name"], e)

    def remove(self, namespace: str, name: str, keep: list[str]) -> None:
        """Delete the logs of a listener's Pods except those to keep."""
        of_listener = re.compile(rf"{re.escape(generated_name(name))}-[0-9a-f]{{10}}-[0-9a-f]{{5}}")
        folder = self._state.pod(namespace, "x").parent
        for one in folder.iterdir() if folder.is_dir() else ():
            if of_listener.fullmatch(one.name) and one.name not in keep:
                shutil.rmtree(one, ignore_errors=True)

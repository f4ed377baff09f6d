"""A participant's progress in the lab's store, for the lab's own pages; see `workshop.participants.progress`."""

from __future__ import annotations

from collections.abc import Callable

from workshop.lab.kinds import built_in
from workshop.lab.store import Store
from workshop.participants.names import Participant
from workshop.participants.progress import NAME, Change, Progress, configmap, progress_of


def progress(store: Store, participant: Participant) -> Progress:
    """The progress that the participant's ConfigMap says."""
    return progress_of(store.find(built_in("ConfigMap"), participant.namespace("dev"), NAME))


def remember(store: Store, participant: Participant, change: Callable[[Progress], Change]) -> Progress:
    """Write a change of the progress; the progress after it."""
    kind, namespace = built_in("ConfigMap"), participant.namespace("dev")
    old = store.find(kind, namespace, NAME)
    data = change(progress_of(old))
    if not data:
        return progress_of(old)
    if old is None:
        return progress_of(store.create(kind, configmap(namespace, data)))
    merged = {**(old.get("data") or {}), **data}
    kept = {key: value for key, value in merged.items() if value is not None}
    return progress_of(store.update(kind, {**old, "data": kept}))

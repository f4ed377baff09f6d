"""Makes a Pod's volumes as folders of the host.

An emptyDir, ConfigMap, Secret or projected volume is a folder of the Pod. A claim is a folder of the lab that all its
users share. ConfigMaps and Secrets are copied once, when the Pod starts; a step does not see later changes.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from workshop.lab.api_errors import NotFound
from workshop.lab.identity.account_tokens import AUDIENCE, POD_SECONDS, AccountTokens, Bound
from workshop.lab.kinds import built_in
from workshop.lab.kubelet.pod import PodPlan
from workshop.lab.kubelet.variables import data_of, pod_field
from workshop.lab.paths import LabPaths
from workshop.lab.runtimes.base import Mount, PodError
from workshop.lab.store import Store
from workshop.manifests.kubernetes import (
    DownwardAPIVolumeFile,
    KeyToPath,
    ServiceAccountTokenProjection,
    Volume,
    VolumeMount,
)

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_NAME_FORMAT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
MOUNT_ERROR = "FailedMount"
Files = dict[str, tuple[bytes, int]]
"""Path in the volume to content and mode."""


@dataclass(frozen=True)
class Folder:
    """A volume on the host."""

    path: Path
    read_only: bool = False


def missing(store: Store, namespace: str, volumes: Sequence[Volume]) -> str:
    """What a Pod waits for before its volumes can be made, in the kubelet's words; or nothing."""
    for volume in volumes:
        wanted: list[tuple[str, str | None, bool | None]] = []
        if volume.persistent_volume_claim:
            wanted.append(("PersistentVolumeClaim", volume.persistent_volume_claim.claim_name, False))
        if volume.config_map:
            wanted.append(("ConfigMap", volume.config_map.name, volume.config_map.optional))
        if volume.secret:
            wanted.append(("Secret", volume.secret.secret_name, volume.secret.optional))
        for source in (volume.projected.sources or []) if volume.projected else []:
            for kind, one in (("ConfigMap", source.config_map), ("Secret", source.secret)):
                if one:
                    wanted.append((kind, one.name, one.optional))
        for kind, name, optional in wanted:
            if not optional and store.find(built_in(kind), namespace, name or "") is None:
                return f'{kind.lower()} "{name}" not found'
    return ""


def below(folder: Path, relative: str) -> Path:
    """A path in a volume, links followed. Raises ValueError with the API server's words when it leaves the volume.

    A link may be changed between this check and the mount by another Pod that has the volume: the lab does not
    isolate Pods from each other.
    """
    if relative.startswith("/"):
        raise ValueError("must be a relative path")
    if ".." in relative.split("/"):
        raise ValueError("must not contain '..'")
    path = (folder / relative).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ValueError("must not lead outside of the volume")
    return path


def claim_folder(state: LabPaths, namespace: str, claim: str) -> Path:
    """Where a PersistentVolumeClaim's files are."""
    return state.volumes / namespace / claim


def make(store: Store, state: LabPaths, pod: PodPlan, accounts: AccountTokens | None = None) -> dict[str, Folder]:
    """Make the folders of all volumes of a Pod. Raises PodError for what is not there or cannot be had."""
    return {volume.name: _folder(store, state, pod, volume, accounts) for volume in pod.volumes}


def mounts(folders: Mapping[str, Folder], wanted: Sequence[VolumeMount], container: str) -> list[Mount]:
    """What a container sees of them, and where. Raises PodError for a volume that is not declared."""
    found = []
    for mount in wanted:
        folder = folders.get(mount.name)
        if folder is None:
            raise PodError(
                "Invalid",
                f'spec.containers.volumeMounts.name: Not found: "{mount.name}"',
                container,
            )
        source = folder.path
        if mount.sub_path:
            try:
                source = below(folder.path, mount.sub_path)
            except ValueError as e:
                raise PodError(
                    "CreateContainerConfigError",
                    f'failed to prepare subPath for volumeMount "{mount.name}" of container "{container}": '
                    f'subPath: Invalid value: "{mount.sub_path}": {e}',
                    container,
                ) from e
            if not source.exists() and not folder.read_only:
                source.mkdir(parents=True)
        found.append(Mount(source, posixpath.normpath(mount.mount_path), folder.read_only or bool(mount.read_only)))
    return found


def _folder(store: Store, state: LabPaths, pod: PodPlan, volume: Volume, accounts: AccountTokens | None) -> Folder:
    if volume.persistent_volume_claim:
        claim = volume.persistent_volume_claim
        path = claim_folder(state, pod.namespace, claim.claim_name)
        path.mkdir(parents=True, exist_ok=True)
        return Folder(path, bool(claim.read_only))
    if not _NAME.fullmatch(volume.name):
        raise PodError("Invalid", f'spec.volumes.name: Invalid value: "{volume.name}": {_NAME_FORMAT}')
    path = pod.folder / "volumes" / volume.name
    path.mkdir(parents=True, exist_ok=True)
    if volume.config_map:
        config = volume.config_map
        mode = config.default_mode or 0o644
        files = _data_files(store, pod, "ConfigMap", config.name, config.items, config.optional, mode)
    elif volume.secret:
        secret = volume.secret
        mode = secret.default_mode or 0o644
        files = _data_files(store, pod, "Secret", secret.secret_name, secret.items, secret.optional, mode)
    elif volume.projected:
        files = _projected(store, pod, volume, accounts)
    elif volume.downward_api:
        files = _downward(pod, volume.downward_api.items or [], volume.downward_api.default_mode or 0o644)
    else:
        return Folder(path)
    for name, (content, mode) in files.items():
        try:
            target = below(path, name)
        except ValueError as e:
            raise PodError("Invalid", f'spec.volumes.items.path: Invalid value: "{name}": {e}') from e
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        target.chmod(mode)
    return Folder(path, read_only=True)


def _data_files(
    store: Store,
    pod: PodPlan,
    kind: str,
    name: str | None,
    items: Sequence[KeyToPath] | None,
    optional: bool | None,
    mode: int,
) -> Files:
    data = data_of(store, kind, pod.namespace, name or "")
    if data is None:
        if optional:
            return {}
        raise PodError(MOUNT_ERROR, f'{kind.lower()} "{name}" not found')
    if items is None:
        return {key: (value, mode) for key, value in data.items()}
    files: Files = {}
    for item in items:
        if item.key in data:
            files[item.path] = (data[item.key], item.mode or mode)
        elif not optional:
            raise PodError(MOUNT_ERROR, f'{kind.lower()} "{name}" has no key {item.key}')
    return files


def _projected(store: Store, pod: PodPlan, volume: Volume, accounts: AccountTokens | None) -> Files:
    assert volume.projected is not None
    mode = volume.projected.default_mode or 0o644
    files: Files = {}
    for source in volume.projected.sources or []:
        for kind, one in (("ConfigMap", source.config_map), ("Secret", source.secret)):
            if one:
                files |= _data_files(store, pod, kind, one.name, one.items, one.optional, mode)
        if source.downward_api:
            files |= _downward(pod, source.downward_api.items or [], mode)
        if source.service_account_token:
            files |= _token(pod, source.service_account_token, accounts)
        if source.cluster_trust_bundle:
            raise PodError(MOUNT_ERROR, f'volume "{volume.name}": the lab has no ClusterTrustBundles')
    return files


def _token(pod: PodPlan, source: ServiceAccountTokenProjection, accounts: AccountTokens | None) -> Files:
    """A token of the Pod's account. It is not renewed, so it is valid as long as the token in each Pod."""
    if accounts is None:
        raise PodError(MOUNT_ERROR, "failed to fetch token: this Pod cannot use the API")
    try:
        bound = Bound("Pod", pod.name, accounts.store.record(built_in("Pod"), pod.namespace, pod.name).uid)
        token = accounts.issue(
            pod.namespace,
            pod.service_account or "default",
            seconds=POD_SECONDS,
            audiences=[source.audience or AUDIENCE],
            bound=bound,
        )
    except NotFound as e:
        raise PodError(MOUNT_ERROR, f"failed to fetch token: {e}") from e
    return {source.path: (token.encode(), 0o600)}


def _downward(pod: PodPlan, items: Sequence[DownwardAPIVolumeFile], mode: int) -> Files:
    files: Files = {}
    for item in items:
        path = item.field_ref.field_path if item.field_ref else ""
        if path in ("metadata.labels", "metadata.annotations"):
            values = pod.labels if path == "metadata.labels" else pod.annotations
            text: str | None = "\n".join(f'{key}="{value}"' for key, value in sorted(values.items()))
        else:
            text = pod_field(pod, path)
        if text is None:
            raise PodError(MOUNT_ERROR, f"downwardAPI: unsupported fieldPath: {path or 'resourceFieldRef'}")
        files[item.path] = (text.encode(), item.mode or mode)
    return files

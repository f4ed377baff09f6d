"""The core kinds: Pod and its parts, ConfigMap, Secret, Service, PersistentVolumeClaim, Namespace, Event.

Field by field as Kubernetes 1.32 has them, with the merge keys of its lists. Fields that the lab gives no
meaning are typed all the same: a manifest for a cluster must not be refused here for naming a node selector.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from workshop.manifests.meta import (
    ATOMIC,
    Anything,
    Conditions,
    IntOrString,
    Labels,
    LabelSelector,
    ObjectMeta,
    Quantity,
    Resource,
    Typed,
    keyed,
)

# -- references and environment -------------------------------------------------------------------------


class LocalObjectReference(Typed, frozen=True, kw_only=True):
    """An object of the same namespace, by name."""

    name: str | None = None


class ObjectReference(Typed, frozen=True, kw_only=True):
    """Any object."""

    api_version: str | None = None
    kind: str | None = None
    namespace: str | None = None
    name: str | None = None
    uid: str | None = None
    resource_version: str | None = None
    field_path: str | None = None


class KeySelector(Typed, frozen=True, kw_only=True):
    """One key of a ConfigMap or Secret."""

    key: str
    name: str | None = None
    optional: bool | None = None


class FieldSelector(Typed, frozen=True, kw_only=True):
    """One field of the Pod itself."""

    field_path: str
    api_version: str | None = None


class ResourceFieldSelector(Typed, frozen=True, kw_only=True):
    """A container's request or limit."""

    resource: str
    container_name: str | None = None
    divisor: Quantity | None = None


class EnvVarSource(Typed, frozen=True, kw_only=True):
    """Where the value of an environment variable comes from: exactly one of these."""

    config_map_key_ref: KeySelector | None = None
    secret_key_ref: KeySelector | None = None
    field_ref: FieldSelector | None = None
    resource_field_ref: ResourceFieldSelector | None = None


class EnvVar(Typed, frozen=True, kw_only=True):
    """One environment variable: a value, or where it comes from."""

    name: str
    value: str | None = None
    value_from: EnvVarSource | None = None


class EnvSource(Typed, frozen=True, kw_only=True):
    """A ConfigMap or Secret by name."""

    name: str | None = None
    optional: bool | None = None


class EnvFromSource(Typed, frozen=True, kw_only=True):
    """All keys of a ConfigMap or Secret, as environment variables."""

    prefix: str | None = None
    config_map_ref: EnvSource | None = None
    secret_ref: EnvSource | None = None


# -- containers -----------------------------------------------------------------------------------------


class ResourceClaim(Typed, frozen=True, kw_only=True):
    """A claim of the Pod that a container uses."""

    name: str
    request: str | None = None


class ResourceRequirements(Typed, frozen=True, kw_only=True):
    """What a container asks for and may use: cpu, memory and others."""

    limits: dict[str, Quantity] | None = None
    requests: dict[str, Quantity] | None = None
    claims: Annotated[list[ResourceClaim] | None, keyed("name")] = None


class VolumeMount(Typed, frozen=True, kw_only=True):
    """Where a volume of the Pod appears in the container."""

    name: str
    mount_path: str
    sub_path: str | None = None
    sub_path_expr: str | None = None
    read_only: bool | None = None
    recursive_read_only: str | None = None
    mount_propagation: str | None = None


class VolumeDevice(Typed, frozen=True, kw_only=True):
    """A raw block device in the container."""

    name: str
    device_path: str


class ContainerPort(Typed, frozen=True, kw_only=True):
    """A port that the container listens on."""

    container_port: int
    name: str | None = None
    protocol: str | None = None
    host_port: int | None = None
    host_ip: str | None = msgspec.field(name="hostIP", default=None)


class HTTPHeader(Typed, frozen=True, kw_only=True):
    """One header of a probe's request."""

    name: str
    value: str


class HTTPGetAction(Typed, frozen=True, kw_only=True):
    """A request that must be answered with 200 to 399."""

    port: IntOrString
    path: str | None = None
    host: str | None = None
    scheme: str | None = None
    http_headers: Annotated[list[HTTPHeader] | None, ATOMIC] = None


class TCPSocketAction(Typed, frozen=True, kw_only=True):
    """A port that must accept a connection."""

    port: IntOrString
    host: str | None = None


class GRPCAction(Typed, frozen=True, kw_only=True):
    """A gRPC health check."""

    port: int
    service: str | None = None


class ExecAction(Typed, frozen=True, kw_only=True):
    """A command that must end with 0."""

    command: Annotated[list[str] | None, ATOMIC] = None


class SleepAction(Typed, frozen=True, kw_only=True):
    """Wait so many seconds."""

    seconds: int


class Probe(Typed, frozen=True, kw_only=True):
    """How to tell whether a container is started, ready or alive."""

    exec: ExecAction | None = None
    http_get: HTTPGetAction | None = None
    tcp_socket: TCPSocketAction | None = None
    grpc: GRPCAction | None = None
    initial_delay_seconds: int | None = None
    period_seconds: int | None = None
    timeout_seconds: int | None = None
    success_threshold: int | None = None
    failure_threshold: int | None = None
    termination_grace_period_seconds: int | None = None


class LifecycleHandler(Typed, frozen=True, kw_only=True):
    """What to do at the start or end of a container."""

    exec: ExecAction | None = None
    http_get: HTTPGetAction | None = None
    tcp_socket: TCPSocketAction | None = None
    sleep: SleepAction | None = None


class Lifecycle(Typed, frozen=True, kw_only=True):
    """What to do after a container's start and before its end."""

    post_start: LifecycleHandler | None = None
    pre_stop: LifecycleHandler | None = None
    stop_signal: str | None = None


class Capabilities(Typed, frozen=True, kw_only=True):
    """Linux capabilities to add and to drop."""

    add: Annotated[list[str] | None, ATOMIC] = None
    drop: Annotated[list[str] | None, ATOMIC] = None


class SELinuxOptions(Typed, frozen=True, kw_only=True):
    """The SELinux label of a container."""

    user: str | None = None
    role: str | None = None
    type: str | None = None
    level: str | None = None


class SeccompProfile(Typed, frozen=True, kw_only=True):
    """The seccomp profile of a container."""

    type: str
    localhost_profile: str | None = None


class SecurityContext(Typed, frozen=True, kw_only=True):
    """What a container is allowed to do."""

    allow_privilege_escalation: bool | None = None
    app_armor_profile: SeccompProfile | None = None
    capabilities: Capabilities | None = None
    privileged: bool | None = None
    proc_mount: str | None = None
    read_only_root_filesystem: bool | None = None
    run_as_group: int | None = None
    run_as_non_root: bool | None = None
    run_as_user: int | None = None
    se_linux_options: SELinuxOptions | None = None
    seccomp_profile: SeccompProfile | None = None
    windows_options: Anything | None = None


class Container(Typed, frozen=True, kw_only=True):
    """One container: an image, what it runs, and what it gets."""

    name: str
    image: str | None = None
    image_pull_policy: str | None = None
    command: Annotated[list[str] | None, ATOMIC] = None
    args: Annotated[list[str] | None, ATOMIC] = None
    working_dir: str | None = None
    ports: Annotated[list[ContainerPort] | None, keyed("containerPort", "protocol")] = None
    env: Annotated[list[EnvVar] | None, keyed("name")] = None
    env_from: Annotated[list[EnvFromSource] | None, ATOMIC] = None
    resources: ResourceRequirements | None = None
    resize_policy: Annotated[list[Any] | None, ATOMIC] = None
    restart_policy: str | None = None
    volume_mounts: Annotated[list[VolumeMount] | None, keyed("mountPath")] = None
    volume_devices: Annotated[list[VolumeDevice] | None, keyed("devicePath")] = None
    liveness_probe: Probe | None = None
    readiness_probe: Probe | None = None
    startup_probe: Probe | None = None
    lifecycle: Lifecycle | None = None
    termination_message_path: str | None = None
    termination_message_policy: str | None = None
    security_context: SecurityContext | None = None
    stdin: bool | None = None
    stdin_once: bool | None = None
    tty: bool | None = None


# -- volumes --------------------------------------------------------------------------------------------


class KeyToPath(Typed, frozen=True, kw_only=True):
    """One key of a ConfigMap or Secret as a file."""

    key: str
    path: str
    mode: int | None = None


class ConfigMapVolume(Typed, frozen=True, kw_only=True):
    """The keys of a ConfigMap as files."""

    name: str | None = None
    items: Annotated[list[KeyToPath] | None, ATOMIC] = None
    default_mode: int | None = None
    optional: bool | None = None


class SecretVolume(Typed, frozen=True, kw_only=True):
    """The keys of a Secret as files."""

    secret_name: str | None = None
    items: Annotated[list[KeyToPath] | None, ATOMIC] = None
    default_mode: int | None = None
    optional: bool | None = None


class SecretProjection(Typed, frozen=True, kw_only=True):
    """The keys of a Secret among the files of a projected volume."""

    name: str | None = None
    items: Annotated[list[KeyToPath] | None, ATOMIC] = None
    optional: bool | None = None


class ServiceAccountTokenProjection(Typed, frozen=True, kw_only=True):
    """A token of the Pod's service account as a file."""

    path: str
    audience: str | None = None
    expiration_seconds: int | None = None


class DownwardAPIFile(Typed, frozen=True, kw_only=True):
    """One field of the Pod as a file."""

    path: str
    field_ref: FieldSelector | None = None
    resource_field_ref: ResourceFieldSelector | None = None
    mode: int | None = None


class DownwardAPIVolume(Typed, frozen=True, kw_only=True):
    """Fields of the Pod as files."""

    items: Annotated[list[DownwardAPIFile] | None, ATOMIC] = None
    default_mode: int | None = None


class VolumeProjection(Typed, frozen=True, kw_only=True):
    """One source of a projected volume."""

    config_map: SecretProjection | None = None
    secret: SecretProjection | None = None
    service_account_token: ServiceAccountTokenProjection | None = None
    downward_api: DownwardAPIVolume | None = msgspec.field(name="downwardAPI", default=None)
    cluster_trust_bundle: Anything | None = None


class ProjectedVolume(Typed, frozen=True, kw_only=True):
    """Several sources in one folder."""

    sources: Annotated[list[VolumeProjection] | None, ATOMIC] = None
    default_mode: int | None = None


class EmptyDir(Typed, frozen=True, kw_only=True):
    """An empty folder that lives as long as the Pod."""

    medium: str | None = None
    size_limit: Quantity | None = None


class ClaimVolume(Typed, frozen=True, kw_only=True):
    """A PersistentVolumeClaim of the namespace."""

    claim_name: str
    read_only: bool | None = None


class HostPath(Typed, frozen=True, kw_only=True):
    """A folder of the node."""

    path: str
    type: str | None = None


class TypedReference(Typed, frozen=True, kw_only=True):
    """Another object that a claim is filled from."""

    kind: str
    name: str
    api_group: str | None = None
    namespace: str | None = None


class ClaimSpec(Typed, frozen=True, kw_only=True):
    """How much storage, and how it may be used."""

    access_modes: Annotated[list[str] | None, ATOMIC] = None
    resources: ResourceRequirements | None = None
    storage_class_name: str | None = None
    volume_mode: str | None = None
    volume_name: str | None = None
    selector: LabelSelector | None = None
    data_source: TypedReference | None = None
    data_source_ref: TypedReference | None = None
    volume_attributes_class_name: str | None = None


class ClaimStatus(Typed, frozen=True, kw_only=True):
    """Whether the claim is bound, and to how much."""

    phase: str | None = None
    access_modes: Annotated[list[str] | None, ATOMIC] = None
    capacity: dict[str, Quantity] | None = None
    conditions: Conditions | None = None
    allocated_resources: dict[str, Quantity] | None = None


class ClaimTemplate(Typed, frozen=True, kw_only=True):
    """A claim that is made for its user."""

    spec: ClaimSpec
    api_version: str | None = None
    kind: str | None = None
    metadata: ObjectMeta | None = None
    status: ClaimStatus | None = None


class EphemeralVolume(Typed, frozen=True, kw_only=True):
    """A claim that lives as long as the Pod."""

    volume_claim_template: ClaimTemplate | None = None


class Volume(Typed, frozen=True, kw_only=True):
    """A folder that containers of the Pod can mount: a name and exactly one source."""

    name: str
    config_map: ConfigMapVolume | None = None
    secret: SecretVolume | None = None
    empty_dir: EmptyDir | None = None
    persistent_volume_claim: ClaimVolume | None = None
    projected: ProjectedVolume | None = None
    downward_api: DownwardAPIVolume | None = msgspec.field(name="downwardAPI", default=None)
    ephemeral: EphemeralVolume | None = None
    host_path: HostPath | None = None
    nfs: Anything | None = None
    csi: Anything | None = None
    iscsi: Anything | None = None
    image: Anything | None = None


# -- the Pod --------------------------------------------------------------------------------------------


class Toleration(Typed, frozen=True, kw_only=True):
    """A taint of nodes that the Pod puts up with."""

    key: str | None = None
    operator: str | None = None
    value: str | None = None
    effect: str | None = None
    toleration_seconds: int | None = None


class Sysctl(Typed, frozen=True, kw_only=True):
    """One kernel parameter of the Pod."""

    name: str
    value: str


class PodSecurityContext(Typed, frozen=True, kw_only=True):
    """What all containers of the Pod are allowed to do."""

    app_armor_profile: SeccompProfile | None = None
    fs_group: int | None = None
    fs_group_change_policy: str | None = None
    run_as_group: int | None = None
    run_as_non_root: bool | None = None
    run_as_user: int | None = None
    se_linux_change_policy: str | None = None
    se_linux_options: SELinuxOptions | None = None
    seccomp_profile: SeccompProfile | None = None
    supplemental_groups: Annotated[list[int] | None, ATOMIC] = None
    supplemental_groups_policy: str | None = None
    sysctls: Annotated[list[Sysctl] | None, ATOMIC] = None
    windows_options: Anything | None = None


class HostAlias(Typed, frozen=True, kw_only=True):
    """A line of the Pod's /etc/hosts."""

    ip: str
    hostnames: Annotated[list[str] | None, ATOMIC] = None


class DNSOption(Typed, frozen=True, kw_only=True):
    """One option of the resolver."""

    name: str | None = None
    value: str | None = None


class DNSConfig(Typed, frozen=True, kw_only=True):
    """The Pod's resolver."""

    nameservers: Annotated[list[str] | None, ATOMIC] = None
    searches: Annotated[list[str] | None, ATOMIC] = None
    options: Annotated[list[DNSOption] | None, ATOMIC] = None


class PodReadinessGate(Typed, frozen=True, kw_only=True):
    """A condition that must be True before the Pod counts as ready."""

    condition_type: str


class TopologySpreadConstraint(Typed, frozen=True, kw_only=True):
    """How the Pods of a set are spread over the cluster."""

    max_skew: int
    topology_key: str
    when_unsatisfiable: str
    label_selector: LabelSelector | None = None
    match_label_keys: Annotated[list[str] | None, ATOMIC] = None
    min_domains: int | None = None
    node_affinity_policy: str | None = None
    node_taints_policy: str | None = None


class PodSpec(Typed, frozen=True, kw_only=True):
    """The containers that run together, and what they share."""

    containers: Annotated[list[Container] | None, keyed("name")] = None
    init_containers: Annotated[list[Container] | None, keyed("name")] = None
    ephemeral_containers: Annotated[list[Anything] | None, keyed("name")] = None
    volumes: Annotated[list[Volume] | None, keyed("name")] = None
    service_account_name: str | None = None
    service_account: str | None = None
    automount_service_account_token: bool | None = None
    restart_policy: str | None = None
    active_deadline_seconds: int | None = None
    termination_grace_period_seconds: int | None = None
    affinity: Anything | None = None
    dns_config: DNSConfig | None = None
    dns_policy: str | None = None
    enable_service_links: bool | None = None
    host_aliases: Annotated[list[HostAlias] | None, keyed("ip")] = None
    host_ipc: bool | None = msgspec.field(name="hostIPC", default=None)
    host_network: bool | None = None
    host_pid: bool | None = msgspec.field(name="hostPID", default=None)
    host_users: bool | None = None
    hostname: str | None = None
    image_pull_secrets: Annotated[list[LocalObjectReference] | None, keyed("name")] = None
    node_name: str | None = None
    node_selector: Labels | None = None
    os: LocalObjectReference | None = None
    overhead: dict[str, Quantity] | None = None
    preemption_policy: str | None = None
    priority: int | None = None
    priority_class_name: str | None = None
    readiness_gates: Annotated[list[PodReadinessGate] | None, ATOMIC] = None
    resource_claims: Annotated[list[Anything] | None, keyed("name")] = None
    resources: ResourceRequirements | None = None
    runtime_class_name: str | None = None
    scheduler_name: str | None = None
    scheduling_gates: Annotated[list[LocalObjectReference] | None, keyed("name")] = None
    security_context: PodSecurityContext | None = None
    set_hostname_as_fqdn: bool | None = msgspec.field(name="setHostnameAsFQDN", default=None)
    share_process_namespace: bool | None = None
    subdomain: str | None = None
    tolerations: Annotated[list[Toleration] | None, ATOMIC] = None
    topology_spread_constraints: Annotated[
        list[TopologySpreadConstraint] | None, keyed("topologyKey", "whenUnsatisfiable")
    ] = None


class ContainerStateWaiting(Typed, frozen=True, kw_only=True):
    """Not running yet, and why."""

    reason: str | None = None
    message: str | None = None


class ContainerStateRunning(Typed, frozen=True, kw_only=True):
    """Running since."""

    started_at: str | None = None


class ContainerStateTerminated(Typed, frozen=True, kw_only=True):
    """Ended, how and when."""

    exit_code: int
    signal: int | None = None
    reason: str | None = None
    message: str | None = None
    started_at: str | None = None
    finished_at: str | None = None
    container_id: str | None = msgspec.field(name="containerID", default=None)


class ContainerState(Typed, frozen=True, kw_only=True):
    """Exactly one of waiting, running, terminated."""

    waiting: ContainerStateWaiting | None = None
    running: ContainerStateRunning | None = None
    terminated: ContainerStateTerminated | None = None


class ContainerStatus(Typed, frozen=True, kw_only=True):
    """What has become of one container."""

    name: str
    ready: bool = False
    restart_count: int = 0
    image: str = ""
    image_id: str = msgspec.field(name="imageID", default="")
    container_id: str | None = msgspec.field(name="containerID", default=None)
    state: ContainerState | None = None
    last_state: ContainerState | None = None
    started: bool | None = None
    allocated_resources: dict[str, Quantity] | None = None
    resources: ResourceRequirements | None = None
    user: Anything | None = None
    volume_mounts: Annotated[list[Anything] | None, keyed("mountPath")] = None
    allocated_resources_status: Annotated[list[Anything] | None, keyed("name")] = None


class IP(Typed, frozen=True, kw_only=True):
    """One address."""

    ip: str


class PodStatus(Typed, frozen=True, kw_only=True):
    """What has become of the Pod."""

    phase: str | None = None
    conditions: Conditions | None = None
    container_statuses: Annotated[list[ContainerStatus] | None, ATOMIC] = None
    init_container_statuses: Annotated[list[ContainerStatus] | None, ATOMIC] = None
    ephemeral_container_statuses: Annotated[list[ContainerStatus] | None, ATOMIC] = None
    host_ip: str | None = msgspec.field(name="hostIP", default=None)
    host_ips: Annotated[list[IP] | None, ATOMIC] = msgspec.field(name="hostIPs", default=None)
    message: str | None = None
    nominated_node_name: str | None = None
    pod_ip: str | None = msgspec.field(name="podIP", default=None)
    pod_ips: Annotated[list[IP] | None, keyed("ip")] = msgspec.field(name="podIPs", default=None)
    qos_class: str | None = None
    reason: str | None = None
    resize: str | None = None
    resource_claim_statuses: Annotated[list[Anything] | None, keyed("name")] = None
    start_time: str | None = None


class Pod(Resource, frozen=True, kw_only=True):
    """Containers that run together."""

    spec: PodSpec | None = None
    status: PodStatus | None = None


class PodTemplate(Typed, frozen=True, kw_only=True):
    """What the Pods of a set look like."""

    metadata: ObjectMeta | None = None
    spec: PodSpec | None = None


# -- the other core kinds -------------------------------------------------------------------------------


class ConfigMap(Resource, frozen=True, kw_only=True):
    """Settings: keys and texts."""

    data: dict[str, str] | None = None
    binary_data: dict[str, str] | None = None
    immutable: bool | None = None


class Secret(Resource, frozen=True, kw_only=True):
    """Keys and texts that are not for every eye; `data` is in base64, `stringData` is not."""

    data: dict[str, str] | None = None
    string_data: dict[str, str] | None = None
    type: str | None = None
    immutable: bool | None = None


class NamespaceSpec(Typed, frozen=True, kw_only=True):
    """What must happen before the namespace is gone."""

    finalizers: Annotated[list[str] | None, ATOMIC] = None


class NamespaceStatus(Typed, frozen=True, kw_only=True):
    """Active or Terminating."""

    phase: str | None = None
    conditions: Conditions | None = None


class Namespace(Resource, frozen=True, kw_only=True):
    """A room for objects."""

    spec: NamespaceSpec | None = None
    status: NamespaceStatus | None = None


class PersistentVolumeClaim(Resource, frozen=True, kw_only=True):
    """Storage that outlives Pods."""

    spec: ClaimSpec | None = None
    status: ClaimStatus | None = None


class ServiceAccount(Resource, frozen=True, kw_only=True):
    """Whom a Pod acts as."""

    secrets: Annotated[list[ObjectReference] | None, keyed("name")] = None
    image_pull_secrets: Annotated[list[LocalObjectReference] | None, ATOMIC] = None
    automount_service_account_token: bool | None = None


class ServicePort(Typed, frozen=True, kw_only=True):
    """One port of a Service."""

    port: int
    name: str | None = None
    protocol: str | None = None
    target_port: IntOrString | None = None
    node_port: int | None = None
    app_protocol: str | None = None


class ServiceSpec(Typed, frozen=True, kw_only=True):
    """Which Pods answer, and on which ports."""

    selector: Annotated[Labels | None, ATOMIC] = None
    ports: Annotated[list[ServicePort] | None, keyed("port", "protocol")] = None
    type: str | None = None
    cluster_ip: str | None = msgspec.field(name="clusterIP", default=None)
    cluster_ips: Annotated[list[str] | None, ATOMIC] = msgspec.field(name="clusterIPs", default=None)
    external_ips: Annotated[list[str] | None, ATOMIC] = msgspec.field(name="externalIPs", default=None)
    external_name: str | None = None
    external_traffic_policy: str | None = None
    internal_traffic_policy: str | None = None
    ip_families: Annotated[list[str] | None, ATOMIC] = None
    ip_family_policy: str | None = None
    allocate_load_balancer_node_ports: bool | None = None
    health_check_node_port: int | None = None
    load_balancer_class: str | None = None
    load_balancer_ip: str | None = msgspec.field(name="loadBalancerIP", default=None)
    load_balancer_source_ranges: Annotated[list[str] | None, ATOMIC] = None
    publish_not_ready_addresses: bool | None = None
    session_affinity: str | None = None
    session_affinity_config: Anything | None = None
    traffic_distribution: str | None = None


class ServiceStatus(Typed, frozen=True, kw_only=True):
    """Where a load balancer answers."""

    load_balancer: Anything | None = None
    conditions: Conditions | None = None


class Service(Resource, frozen=True, kw_only=True):
    """One name and port for a set of Pods."""

    spec: ServiceSpec | None = None
    status: ServiceStatus | None = None


class EventSource(Typed, frozen=True, kw_only=True):
    """Who reports."""

    component: str | None = None
    host: str | None = None


class Event(Resource, frozen=True, kw_only=True):
    """Something that happened to an object."""

    involved_object: ObjectReference = ObjectReference()
    reason: str | None = None
    message: str | None = None
    type: str | None = None
    count: int | None = None
    first_timestamp: str | None = None
    last_timestamp: str | None = None
    event_time: str | None = None
    action: str | None = None
    source: EventSource | None = None
    related: ObjectReference | None = None
    reporting_component: str | None = None
    reporting_instance: str | None = None
    series: Anything | None = None

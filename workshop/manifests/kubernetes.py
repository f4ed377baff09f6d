"""The kinds of Kubernetes 1.32 and their parts, with the merge keys of their lists.

Made from Kubernetes' published OpenAPI definitions (Apache-2.0) by `make types`: do not edit.
"""

from typing import Annotated

import msgspec

from workshop.manifests.meta import (
    ATOMIC,
    ATOMIC_MAP,
    Condition,
    IntOrString,
    LabelSelector,
    ObjectMeta,
    Quantity,
    Resource,
    Time,
    Typed,
    hints,
    keyed,
)


class AWSElasticBlockStoreVolumeSource(Typed, frozen=True, kw_only=True):
    """Represents a Persistent Disk resource in AWS. An AWS EBS disk must exist before mounting to a container."""

    fs_type: str | None = None
    partition: int | None = None
    read_only: bool | None = None
    volume_id: str = msgspec.field(name="volumeID")


class NodeSelectorRequirement(Typed, frozen=True, kw_only=True):
    """A node selector requirement is a selector that contains values, a key, and an operator that relates the key
    and values.
    """

    key: str
    operator: str
    values: Annotated[list[str] | None, ATOMIC] = None


class NodeSelectorTerm(Typed, frozen=True, kw_only=True):
    """A null or empty node selector term matches no objects."""

    match_expressions: Annotated[list[NodeSelectorRequirement] | None, ATOMIC] = None
    match_fields: Annotated[list[NodeSelectorRequirement] | None, ATOMIC] = None


class PreferredSchedulingTerm(Typed, frozen=True, kw_only=True):
    """An empty preferred scheduling term matches all objects with implicit weight 0 (i.e."""

    preference: Annotated[NodeSelectorTerm, ATOMIC_MAP]
    weight: int


class NodeSelector(Typed, frozen=True, kw_only=True):
    """A node selector represents the union of the results of one or more label queries over a set of nodes; that
    is, it represents the OR of the selectors represented by the node selector terms.
    """

    node_selector_terms: Annotated[list[NodeSelectorTerm], ATOMIC]


class NodeAffinity(Typed, frozen=True, kw_only=True):
    """Node affinity is a group of node affinity scheduling rules."""

    preferred_during_scheduling_ignored_during_execution: Annotated[list[PreferredSchedulingTerm] | None, ATOMIC] = None
    required_during_scheduling_ignored_during_execution: Annotated[NodeSelector | None, ATOMIC_MAP] = None


class PodAffinityTerm(Typed, frozen=True, kw_only=True):
    """Defines a set of pods (namely those matching the labelSelector relative to the given namespace(s)) that this
    pod should be co-located (affinity) or not co-located (anti-affinity) with, where co-located is defined as
    running on a node whose value of the label with key <topologyKey> matches that of any node on which a pod of
    the set of pods is running.
    """

    label_selector: Annotated[LabelSelector | None, ATOMIC_MAP] = None
    match_label_keys: Annotated[list[str] | None, ATOMIC] = None
    mismatch_label_keys: Annotated[list[str] | None, ATOMIC] = None
    namespace_selector: Annotated[LabelSelector | None, ATOMIC_MAP] = None
    namespaces: Annotated[list[str] | None, ATOMIC] = None
    topology_key: str


class WeightedPodAffinityTerm(Typed, frozen=True, kw_only=True):
    """The weights of all of the matched WeightedPodAffinityTerm fields are added per-node to find the most
    preferred node(s).
    """

    pod_affinity_term: PodAffinityTerm
    weight: int


class PodAffinity(Typed, frozen=True, kw_only=True):
    """Pod affinity is a group of inter pod affinity scheduling rules."""

    preferred_during_scheduling_ignored_during_execution: Annotated[list[WeightedPodAffinityTerm] | None, ATOMIC] = None
    required_during_scheduling_ignored_during_execution: Annotated[list[PodAffinityTerm] | None, ATOMIC] = None


class PodAntiAffinity(Typed, frozen=True, kw_only=True):
    """Pod anti affinity is a group of inter pod anti affinity scheduling rules."""

    preferred_during_scheduling_ignored_during_execution: Annotated[list[WeightedPodAffinityTerm] | None, ATOMIC] = None
    required_during_scheduling_ignored_during_execution: Annotated[list[PodAffinityTerm] | None, ATOMIC] = None


class Affinity(Typed, frozen=True, kw_only=True):
    """Affinity is a group of affinity scheduling rules."""

    node_affinity: NodeAffinity | None = None
    pod_affinity: PodAffinity | None = None
    pod_anti_affinity: PodAntiAffinity | None = None


class AggregationRule(Typed, frozen=True, kw_only=True):
    """AggregationRule describes how to locate ClusterRoles to aggregate into the ClusterRole."""

    cluster_role_selectors: Annotated[list[LabelSelector] | None, ATOMIC] = None


class AppArmorProfile(Typed, frozen=True, kw_only=True):
    """AppArmorProfile defines a pod or container's AppArmor settings."""

    localhost_profile: str | None = None
    type: str


class AzureDiskVolumeSource(Typed, frozen=True, kw_only=True):
    """AzureDisk represents an Azure Data Disk mount on the host and bind mount to the pod."""

    caching_mode: str | None = None
    disk_name: str
    disk_uri: str = msgspec.field(name="diskURI")
    fs_type: str | None = None
    kind: str | None = None
    read_only: bool | None = None


class AzureFileVolumeSource(Typed, frozen=True, kw_only=True):
    """AzureFile represents an Azure File Service mount on the host and bind mount to the pod."""

    read_only: bool | None = None
    secret_name: str
    share_name: str


class LocalObjectReference(Typed, frozen=True, kw_only=True):
    """LocalObjectReference contains enough information to let you locate the referenced object inside the same
    namespace.
    """

    name: str | None = None


class CSIVolumeSource(Typed, frozen=True, kw_only=True):
    """Represents a source location of a volume to mount, managed by an external CSI driver."""

    driver: str
    fs_type: str | None = None
    node_publish_secret_ref: Annotated[LocalObjectReference | None, ATOMIC_MAP] = None
    read_only: bool | None = None
    volume_attributes: dict[str, str] | None = None


class Capabilities(Typed, frozen=True, kw_only=True):
    """Adds and removes POSIX capabilities from running containers."""

    add: Annotated[list[str] | None, ATOMIC] = None
    drop: Annotated[list[str] | None, ATOMIC] = None


class CephFSVolumeSource(Typed, frozen=True, kw_only=True):
    """Represents a Ceph Filesystem mount that lasts the lifetime of a pod Cephfs volumes do not support ownership
    management or SELinux relabeling.
    """

    monitors: Annotated[list[str], ATOMIC]
    path: str | None = None
    read_only: bool | None = None
    secret_file: str | None = None
    secret_ref: Annotated[LocalObjectReference | None, ATOMIC_MAP] = None
    user: str | None = None


class CinderVolumeSource(Typed, frozen=True, kw_only=True):
    """Represents a cinder volume resource in Openstack."""

    fs_type: str | None = None
    read_only: bool | None = None
    secret_ref: Annotated[LocalObjectReference | None, ATOMIC_MAP] = None
    volume_id: str = msgspec.field(name="volumeID")


class ClientIPConfig(Typed, frozen=True, kw_only=True):
    """ClientIPConfig represents the configurations of Client IP based session affinity."""

    timeout_seconds: int | None = None


class PolicyRule(Typed, frozen=True, kw_only=True):
    """PolicyRule holds information that describes a policy rule, but does not contain information about who the
    rule applies to or which namespace the rule applies to.
    """

    api_groups: Annotated[list[str] | None, ATOMIC] = None
    non_resource_urls: Annotated[list[str] | None, ATOMIC] = msgspec.field(name="nonResourceURLs", default=None)
    resource_names: Annotated[list[str] | None, ATOMIC] = None
    resources: Annotated[list[str] | None, ATOMIC] = None
    verbs: Annotated[list[str], ATOMIC]


class ClusterRole(Resource, frozen=True, kw_only=True):
    """ClusterRole is a cluster level, logical grouping of PolicyRules that can be referenced as a unit by a
    RoleBinding or ClusterRoleBinding.
    """

    aggregation_rule: AggregationRule | None = None
    rules: Annotated[list[PolicyRule] | None, ATOMIC] = None


class RoleRef(Typed, frozen=True, kw_only=True):
    """RoleRef contains information that points to the role being used."""

    api_group: str | None = None
    kind: str
    name: str


class Subject(Typed, frozen=True, kw_only=True):
    """Subject contains a reference to the object or user identities a role binding applies to."""

    api_group: str | None = None
    kind: str
    name: str
    namespace: str | None = None


class ClusterRoleBinding(Resource, frozen=True, kw_only=True):
    """ClusterRoleBinding references a ClusterRole, but not contain it."""

    role_ref: Annotated[RoleRef, ATOMIC_MAP]
    subjects: Annotated[list[Subject] | None, ATOMIC] = None


class ClusterTrustBundleProjection(Typed, frozen=True, kw_only=True):
    """ClusterTrustBundleProjection describes how to select a set of ClusterTrustBundle objects and project their
    contents into the pod filesystem.
    """

    label_selector: Annotated[LabelSelector | None, ATOMIC_MAP] = None
    name: str | None = None
    optional: bool | None = None
    path: str
    signer_name: str | None = None


class ConfigMap(Resource, frozen=True, kw_only=True):
    """ConfigMap holds configuration data for pods to consume."""

    binary_data: dict[str, str] | None = None
    data: dict[str, str] | None = None
    immutable: bool | None = None


class ConfigMapEnvSource(Typed, frozen=True, kw_only=True):
    """ConfigMapEnvSource selects a ConfigMap to populate the environment variables with."""

    name: str | None = None
    optional: bool | None = None


class ConfigMapKeySelector(Typed, frozen=True, kw_only=True):
    """Selects a key from a ConfigMap."""

    key: str
    name: str | None = None
    optional: bool | None = None


class KeyToPath(Typed, frozen=True, kw_only=True):
    """Maps a string key to a path within a volume."""

    key: str
    mode: int | None = None
    path: str


class ConfigMapProjection(Typed, frozen=True, kw_only=True):
    """Adapts a ConfigMap into a projected volume."""

    items: Annotated[list[KeyToPath] | None, ATOMIC] = None
    name: str | None = None
    optional: bool | None = None


class ConfigMapVolumeSource(Typed, frozen=True, kw_only=True):
    """Adapts a ConfigMap into a volume."""

    default_mode: int | None = None
    items: Annotated[list[KeyToPath] | None, ATOMIC] = None
    name: str | None = None
    optional: bool | None = None


class ObjectFieldSelector(Typed, frozen=True, kw_only=True):
    """ObjectFieldSelector selects an APIVersioned field of an object."""

    api_version: str | None = None
    field_path: str


class ResourceFieldSelector(Typed, frozen=True, kw_only=True):
    """ResourceFieldSelector represents container resources (cpu, memory) and their output format."""

    container_name: str | None = None
    divisor: Quantity | None = None
    resource: str


class SecretKeySelector(Typed, frozen=True, kw_only=True):
    """SecretKeySelector selects a key of a Secret."""

    key: str
    name: str | None = None
    optional: bool | None = None


class EnvVarSource(Typed, frozen=True, kw_only=True):
    """EnvVarSource represents a source for the value of an EnvVar."""

    config_map_key_ref: Annotated[ConfigMapKeySelector | None, ATOMIC_MAP] = None
    field_ref: Annotated[ObjectFieldSelector | None, ATOMIC_MAP] = None
    resource_field_ref: Annotated[ResourceFieldSelector | None, ATOMIC_MAP] = None
    secret_key_ref: Annotated[SecretKeySelector | None, ATOMIC_MAP] = None


class EnvVar(Typed, frozen=True, kw_only=True):
    """EnvVar represents an environment variable present in a Container."""

    name: str
    value: str | None = None
    value_from: EnvVarSource | None = None


class SecretEnvSource(Typed, frozen=True, kw_only=True):
    """SecretEnvSource selects a Secret to populate the environment variables with."""

    name: str | None = None
    optional: bool | None = None


class EnvFromSource(Typed, frozen=True, kw_only=True):
    """EnvFromSource represents the source of a set of ConfigMaps."""

    config_map_ref: ConfigMapEnvSource | None = None
    prefix: str | None = None
    secret_ref: SecretEnvSource | None = None


class ExecAction(Typed, frozen=True, kw_only=True):
    """ExecAction describes a 'run in container' action."""

    command: Annotated[list[str] | None, ATOMIC] = None


class HTTPHeader(Typed, frozen=True, kw_only=True):
    """HTTPHeader describes a custom header to be used in HTTP probes."""

    name: str
    value: str


class HTTPGetAction(Typed, frozen=True, kw_only=True):
    """HTTPGetAction describes an action based on HTTP Get requests."""

    host: str | None = None
    http_headers: Annotated[list[HTTPHeader] | None, ATOMIC] = None
    path: str | None = None
    port: IntOrString
    scheme: str | None = None


class SleepAction(Typed, frozen=True, kw_only=True):
    """SleepAction describes a 'sleep' action."""

    seconds: int


class TCPSocketAction(Typed, frozen=True, kw_only=True):
    """TCPSocketAction describes an action based on opening a socket."""

    host: str | None = None
    port: IntOrString


class LifecycleHandler(Typed, frozen=True, kw_only=True):
    """LifecycleHandler defines a specific action that should be taken in a lifecycle hook."""

    exec: ExecAction | None = None
    http_get: HTTPGetAction | None = None
    sleep: SleepAction | None = None
    tcp_socket: TCPSocketAction | None = None


class Lifecycle(Typed, frozen=True, kw_only=True):
    """Lifecycle describes actions that the management system should take in response to container lifecycle
    events.
    """

    post_start: LifecycleHandler | None = None
    pre_stop: LifecycleHandler | None = None


class GRPCAction(Typed, frozen=True, kw_only=True):
    """GRPCAction specifies an action involving a GRPC service."""

    port: int
    service: str | None = None


class Probe(Typed, frozen=True, kw_only=True):
    """Probe describes a health check to be performed against a container to determine whether it is alive or ready
    to receive traffic.
    """

    exec: ExecAction | None = None
    failure_threshold: int | None = None
    grpc: GRPCAction | None = None
    http_get: HTTPGetAction | None = None
    initial_delay_seconds: int | None = None
    period_seconds: int | None = None
    success_threshold: int | None = None
    tcp_socket: TCPSocketAction | None = None
    termination_grace_period_seconds: int | None = None
    timeout_seconds: int | None = None


class ContainerPort(Typed, frozen=True, kw_only=True):
    """ContainerPort represents a network port in a single container."""

    container_port: int
    host_ip: str | None = msgspec.field(name="hostIP", default=None)
    host_port: int | None = None
    name: str | None = None
    protocol: str | None = None


class ContainerResizePolicy(Typed, frozen=True, kw_only=True):
    """ContainerResizePolicy represents resource resize policy for the container."""

    resource_name: str
    restart_policy: str


class ResourceClaim(Typed, frozen=True, kw_only=True):
    """ResourceClaim references one entry in PodSpec.ResourceClaims."""

    name: str
    request: str | None = None


class ResourceRequirements(Typed, frozen=True, kw_only=True):
    """ResourceRequirements describes the compute resource requirements."""

    claims: Annotated[list[ResourceClaim] | None, hints({"list-map-keys": ["name"], "list-type": "map"})] = None
    limits: dict[str, Quantity] | None = None
    requests: dict[str, Quantity] | None = None


class SELinuxOptions(Typed, frozen=True, kw_only=True):
    """SELinuxOptions are the labels to be applied to the container."""

    level: str | None = None
    role: str | None = None
    type: str | None = None
    user: str | None = None


class SeccompProfile(Typed, frozen=True, kw_only=True):
    """SeccompProfile defines a pod/container's seccomp profile settings."""

    localhost_profile: str | None = None
    type: str


class WindowsSecurityContextOptions(Typed, frozen=True, kw_only=True):
    """WindowsSecurityContextOptions contain Windows-specific options and credentials."""

    gmsa_credential_spec: str | None = None
    gmsa_credential_spec_name: str | None = None
    host_process: bool | None = None
    run_as_user_name: str | None = None


class SecurityContext(Typed, frozen=True, kw_only=True):
    """SecurityContext holds security configuration that will be applied to a container."""

    allow_privilege_escalation: bool | None = None
    app_armor_profile: AppArmorProfile | None = None
    capabilities: Capabilities | None = None
    privileged: bool | None = None
    proc_mount: str | None = None
    read_only_root_filesystem: bool | None = None
    run_as_group: int | None = None
    run_as_non_root: bool | None = None
    run_as_user: int | None = None
    se_linux_options: SELinuxOptions | None = None
    seccomp_profile: SeccompProfile | None = None
    windows_options: WindowsSecurityContextOptions | None = None


class VolumeDevice(Typed, frozen=True, kw_only=True):
    """volumeDevice describes a mapping of a raw block device within a container."""

    device_path: str
    name: str


class VolumeMount(Typed, frozen=True, kw_only=True):
    """VolumeMount describes a mounting of a Volume within a container."""

    mount_path: str
    mount_propagation: str | None = None
    name: str
    read_only: bool | None = None
    recursive_read_only: str | None = None
    sub_path: str | None = None
    sub_path_expr: str | None = None


class Container(Typed, frozen=True, kw_only=True):
    """A single application container that you want to run within a pod."""

    args: Annotated[list[str] | None, ATOMIC] = None
    command: Annotated[list[str] | None, ATOMIC] = None
    env: Annotated[list[EnvVar] | None, keyed("name")] = None
    env_from: Annotated[list[EnvFromSource] | None, ATOMIC] = None
    image: str | None = None
    image_pull_policy: str | None = None
    lifecycle: Lifecycle | None = None
    liveness_probe: Probe | None = None
    name: str
    ports: Annotated[list[ContainerPort] | None, keyed("containerPort", "protocol")] = None
    readiness_probe: Probe | None = None
    resize_policy: Annotated[list[ContainerResizePolicy] | None, ATOMIC] = None
    resources: ResourceRequirements | None = None
    restart_policy: str | None = None
    security_context: SecurityContext | None = None
    startup_probe: Probe | None = None
    stdin: bool | None = None
    stdin_once: bool | None = None
    termination_message_path: str | None = None
    termination_message_policy: str | None = None
    tty: bool | None = None
    volume_devices: Annotated[list[VolumeDevice] | None, keyed("devicePath")] = None
    volume_mounts: Annotated[list[VolumeMount] | None, keyed("mountPath")] = None
    working_dir: str | None = None


class MetricTarget(Typed, frozen=True, kw_only=True):
    """MetricTarget defines the target value, average value, or average utilization of a specific metric."""

    average_utilization: int | None = None
    average_value: Quantity | None = None
    type: str
    value: Quantity | None = None


class ContainerResourceMetricSource(Typed, frozen=True, kw_only=True):
    """ContainerResourceMetricSource indicates how to scale on a resource metric known to Kubernetes, as specified
    in requests and limits, describing each pod in the current scale target (e.g.
    """

    container: str
    name: str
    target: MetricTarget


class MetricValueStatus(Typed, frozen=True, kw_only=True):
    """MetricValueStatus holds the current value for a metric."""

    average_utilization: int | None = None
    average_value: Quantity | None = None
    value: Quantity | None = None


class ContainerResourceMetricStatus(Typed, frozen=True, kw_only=True):
    """ContainerResourceMetricStatus indicates the current value of a resource metric known to Kubernetes, as
    specified in requests and limits, describing a single container in each pod in the current scale target
    (e.g.
    """

    container: str | None = None
    current: MetricValueStatus | None = None
    name: str


class ContainerStateRunning(Typed, frozen=True, kw_only=True):
    """ContainerStateRunning is a running state of a container."""

    started_at: Time | None = None


class ContainerStateTerminated(Typed, frozen=True, kw_only=True):
    """ContainerStateTerminated is a terminated state of a container."""

    container_id: str | None = msgspec.field(name="containerID", default=None)
    exit_code: int
    finished_at: Time | None = None
    message: str | None = None
    reason: str | None = None
    signal: int | None = None
    started_at: Time | None = None


class ContainerStateWaiting(Typed, frozen=True, kw_only=True):
    """ContainerStateWaiting is a waiting state of a container."""

    message: str | None = None
    reason: str | None = None


class ContainerState(Typed, frozen=True, kw_only=True):
    """ContainerState holds a possible state of container."""

    running: ContainerStateRunning | None = None
    terminated: ContainerStateTerminated | None = None
    waiting: ContainerStateWaiting | None = None


class ResourceHealth(Typed, frozen=True, kw_only=True):
    """ResourceHealth represents the health of a resource."""

    health: str | None = None
    resource_id: str = msgspec.field(name="resourceID")


class ResourceStatus(Typed, frozen=True, kw_only=True):
    """ResourceStatus represents the status of a single resource allocated to a Pod."""

    name: str
    resources: Annotated[list[ResourceHealth] | None, hints({"list-map-keys": ["resourceID"], "list-type": "map"})] = (
        None
    )


class LinuxContainerUser(Typed, frozen=True, kw_only=True):
    """LinuxContainerUser represents user identity information in Linux containers."""

    gid: int
    supplemental_groups: Annotated[list[int] | None, ATOMIC] = None
    uid: int


class ContainerUser(Typed, frozen=True, kw_only=True):
    """ContainerUser represents user identity information."""

    linux: LinuxContainerUser | None = None


class VolumeMountStatus(Typed, frozen=True, kw_only=True):
    """VolumeMountStatus shows status of volume mounts."""

    mount_path: str | None = None
    name: str
    read_only: bool | None = None
    recursive_read_only: str | None = None


class ContainerStatus(Typed, frozen=True, kw_only=True):
    """ContainerStatus contains details for the current status of this container."""

    allocated_resources: dict[str, Quantity] | None = None
    allocated_resources_status: Annotated[list[ResourceStatus] | None, keyed("name")] = None
    container_id: str | None = msgspec.field(name="containerID", default=None)
    image: str | None = None
    image_id: str | None = msgspec.field(name="imageID", default=None)
    last_state: ContainerState | None = None
    name: str
    ready: bool | None = None
    resources: ResourceRequirements | None = None
    restart_count: int | None = None
    started: bool | None = None
    state: ContainerState | None = None
    user: ContainerUser | None = None
    volume_mounts: Annotated[list[VolumeMountStatus] | None, keyed("mountPath")] = None


class CrossVersionObjectReference(Typed, frozen=True, kw_only=True):
    """CrossVersionObjectReference contains enough information to let you identify the referred resource."""

    api_version: str | None = None
    kind: str
    name: str


class RollingUpdateDeployment(Typed, frozen=True, kw_only=True):
    """Spec to control the desired behavior of rolling update."""

    max_surge: IntOrString | None = None
    max_unavailable: IntOrString | None = None


class DeploymentStrategy(Typed, frozen=True, kw_only=True):
    """DeploymentStrategy describes how to replace existing pods with new ones."""

    rolling_update: RollingUpdateDeployment | None = None
    type: str | None = None


class PodDNSConfigOption(Typed, frozen=True, kw_only=True):
    """PodDNSConfigOption defines DNS resolver options of a pod."""

    name: str | None = None
    value: str | None = None


class PodDNSConfig(Typed, frozen=True, kw_only=True):
    """PodDNSConfig defines the DNS parameters of a pod in addition to those generated from DNSPolicy."""

    nameservers: Annotated[list[str] | None, ATOMIC] = None
    options: Annotated[list[PodDNSConfigOption] | None, ATOMIC] = None
    searches: Annotated[list[str] | None, ATOMIC] = None


class EphemeralContainer(Typed, frozen=True, kw_only=True):
    """An EphemeralContainer is a temporary container that you may add to an existing Pod for user-initiated
    activities such as debugging.
    """

    args: Annotated[list[str] | None, ATOMIC] = None
    command: Annotated[list[str] | None, ATOMIC] = None
    env: Annotated[list[EnvVar] | None, keyed("name")] = None
    env_from: Annotated[list[EnvFromSource] | None, ATOMIC] = None
    image: str | None = None
    image_pull_policy: str | None = None
    lifecycle: Lifecycle | None = None
    liveness_probe: Probe | None = None
    name: str
    ports: Annotated[list[ContainerPort] | None, keyed("containerPort", "protocol")] = None
    readiness_probe: Probe | None = None
    resize_policy: Annotated[list[ContainerResizePolicy] | None, ATOMIC] = None
    resources: ResourceRequirements | None = None
    restart_policy: str | None = None
    security_context: SecurityContext | None = None
    startup_probe: Probe | None = None
    stdin: bool | None = None
    stdin_once: bool | None = None
    target_container_name: str | None = None
    termination_message_path: str | None = None
    termination_message_policy: str | None = None
    tty: bool | None = None
    volume_devices: Annotated[list[VolumeDevice] | None, keyed("devicePath")] = None
    volume_mounts: Annotated[list[VolumeMount] | None, keyed("mountPath")] = None
    working_dir: str | None = None


class HostAlias(Typed, frozen=True, kw_only=True):
    """HostAlias holds the mapping between IP and hostnames that will be injected as an entry in the pod's hosts
    file.
    """

    hostnames: Annotated[list[str] | None, ATOMIC] = None
    ip: str


class PodOS(Typed, frozen=True, kw_only=True):
    """PodOS defines the OS parameters of a pod."""

    name: str


class PodReadinessGate(Typed, frozen=True, kw_only=True):
    """PodReadinessGate contains the reference to a pod condition."""

    condition_type: str


class PodResourceClaim(Typed, frozen=True, kw_only=True):
    """PodResourceClaim references exactly one ResourceClaim, either directly or by naming a ResourceClaimTemplate
    which is then turned into a ResourceClaim for the pod.
    """

    name: str
    resource_claim_name: str | None = None
    resource_claim_template_name: str | None = None


class PodSchedulingGate(Typed, frozen=True, kw_only=True):
    """PodSchedulingGate is associated to a Pod to guard its scheduling."""

    name: str


class Sysctl(Typed, frozen=True, kw_only=True):
    """Sysctl defines a kernel parameter to be set."""

    name: str
    value: str


class PodSecurityContext(Typed, frozen=True, kw_only=True):
    """PodSecurityContext holds pod-level security attributes and common container settings."""

    app_armor_profile: AppArmorProfile | None = None
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
    windows_options: WindowsSecurityContextOptions | None = None


class Toleration(Typed, frozen=True, kw_only=True):
    """The pod this Toleration is attached to tolerates any taint that matches the triple <key,value,effect> using
    the matching operator <operator>.
    """

    effect: str | None = None
    key: str | None = None
    operator: str | None = None
    toleration_seconds: int | None = None
    value: str | None = None


class TopologySpreadConstraint(Typed, frozen=True, kw_only=True):
    """TopologySpreadConstraint specifies how to spread matching pods among the given topology."""

    label_selector: Annotated[LabelSelector | None, ATOMIC_MAP] = None
    match_label_keys: Annotated[list[str] | None, ATOMIC] = None
    max_skew: int
    min_domains: int | None = None
    node_affinity_policy: str | None = None
    node_taints_policy: str | None = None
    topology_key: str
    when_unsatisfiable: str


class DownwardAPIVolumeFile(Typed, frozen=True, kw_only=True):
    """DownwardAPIVolumeFile represents information to create the file containing the pod field."""

    field_ref: Annotated[ObjectFieldSelector | None, ATOMIC_MAP] = None
    mode: int | None = None
    path: str
    resource_field_ref: Annotated[ResourceFieldSelector | None, ATOMIC_MAP] = None


class DownwardAPIVolumeSource(Typed, frozen=True, kw_only=True):
    """DownwardAPIVolumeSource represents a volume containing downward API info."""

    default_mode: int | None = None
    items: Annotated[list[DownwardAPIVolumeFile] | None, ATOMIC] = None


class EmptyDirVolumeSource(Typed, frozen=True, kw_only=True):
    """Represents an empty directory for a pod."""

    medium: str | None = None
    size_limit: Quantity | None = None


class TypedLocalObjectReference(Typed, frozen=True, kw_only=True):
    """TypedLocalObjectReference contains enough information to let you locate the typed referenced object inside
    the same namespace.
    """

    api_group: str | None = None
    kind: str
    name: str


class TypedObjectReference(Typed, frozen=True, kw_only=True):
    """TypedObjectReference contains enough information to let you locate the typed referenced object."""

    api_group: str | None = None
    kind: str
    name: str
    namespace: str | None = None


class VolumeResourceRequirements(Typed, frozen=True, kw_only=True):
    """VolumeResourceRequirements describes the storage resource requirements for a volume."""

    limits: dict[str, Quantity] | None = None
    requests: dict[str, Quantity] | None = None


class PersistentVolumeClaimSpec(Typed, frozen=True, kw_only=True):
    """PersistentVolumeClaimSpec describes the common attributes of storage devices and allows a Source for
    provider-specific attributes.
    """

    access_modes: Annotated[list[str] | None, ATOMIC] = None
    data_source: Annotated[TypedLocalObjectReference | None, ATOMIC_MAP] = None
    data_source_ref: TypedObjectReference | None = None
    resources: VolumeResourceRequirements | None = None
    selector: Annotated[LabelSelector | None, ATOMIC_MAP] = None
    storage_class_name: str | None = None
    volume_attributes_class_name: str | None = None
    volume_mode: str | None = None
    volume_name: str | None = None


class PersistentVolumeClaimTemplate(Typed, frozen=True, kw_only=True):
    """PersistentVolumeClaimTemplate is used to produce PersistentVolumeClaim objects as part of an
    EphemeralVolumeSource.
    """

    metadata: ObjectMeta | None = None
    spec: PersistentVolumeClaimSpec


class EphemeralVolumeSource(Typed, frozen=True, kw_only=True):
    """Represents an ephemeral volume that is handled by a normal storage driver."""

    volume_claim_template: PersistentVolumeClaimTemplate | None = None


class FCVolumeSource(Typed, frozen=True, kw_only=True):
    """Represents a Fibre Channel volume."""

    fs_type: str | None = None
    lun: int | None = None
    read_only: bool | None = None
    target_wwns: Annotated[list[str] | None, ATOMIC] = msgspec.field(name="targetWWNs", default=None)
    wwids: Annotated[list[str] | None, ATOMIC] = None


class FlexVolumeSource(Typed, frozen=True, kw_only=True):
    """FlexVolume represents a generic volume resource that is provisioned/attached using an exec based plugin."""

    driver: str
    fs_type: str | None = None
    options: dict[str, str] | None = None
    read_only: bool | None = None
    secret_ref: Annotated[LocalObjectReference | None, ATOMIC_MAP] = None


class FlockerVolumeSource(Typed, frozen=True, kw_only=True):
    """Represents a Flocker volume mounted by the Flocker agent."""

    dataset_name: str | None = None
    dataset_uuid: str | None = msgspec.field(name="datasetUUID", default=None)


class GCEPersistentDiskVolumeSource(Typed, frozen=True, kw_only=True):
    """Represents a Persistent Disk resource in Google Compute Engine."""

    fs_type: str | None = None
    partition: int | None = None
    pd_name: str
    read_only: bool | None = None


class GitRepoVolumeSource(Typed, frozen=True, kw_only=True):
    """Represents a volume that is populated with the contents of a git repository."""

    directory: str | None = None
    repository: str
    revision: str | None = None


class GlusterfsVolumeSource(Typed, frozen=True, kw_only=True):
    """Represents a Glusterfs mount that lasts the lifetime of a pod."""

    endpoints: str
    path: str
    read_only: bool | None = None


class HostPathVolumeSource(Typed, frozen=True, kw_only=True):
    """Represents a host path mapped into a pod."""

    path: str
    type: str | None = None


class ImageVolumeSource(Typed, frozen=True, kw_only=True):
    """ImageVolumeSource represents a image volume resource."""

    pull_policy: str | None = None
    reference: str | None = None


class ISCSIVolumeSource(Typed, frozen=True, kw_only=True):
    """Represents an ISCSI disk."""

    chap_auth_discovery: bool | None = None
    chap_auth_session: bool | None = None
    fs_type: str | None = None
    initiator_name: str | None = None
    iqn: str
    iscsi_interface: str | None = None
    lun: int
    portals: Annotated[list[str] | None, ATOMIC] = None
    read_only: bool | None = None
    secret_ref: Annotated[LocalObjectReference | None, ATOMIC_MAP] = None
    target_portal: str


class NFSVolumeSource(Typed, frozen=True, kw_only=True):
    """Represents an NFS mount that lasts the lifetime of a pod."""

    path: str
    read_only: bool | None = None
    server: str


class PersistentVolumeClaimVolumeSource(Typed, frozen=True, kw_only=True):
    """PersistentVolumeClaimVolumeSource references the user's PVC in the same namespace."""

    claim_name: str
    read_only: bool | None = None


class PhotonPersistentDiskVolumeSource(Typed, frozen=True, kw_only=True):
    """Represents a Photon Controller persistent disk resource."""

    fs_type: str | None = None
    pd_id: str = msgspec.field(name="pdID")


class PortworxVolumeSource(Typed, frozen=True, kw_only=True):
    """PortworxVolumeSource represents a Portworx volume resource."""

    fs_type: str | None = None
    read_only: bool | None = None
    volume_id: str = msgspec.field(name="volumeID")


class DownwardAPIProjection(Typed, frozen=True, kw_only=True):
    """Represents downward API info for projecting into a projected volume."""

    items: Annotated[list[DownwardAPIVolumeFile] | None, ATOMIC] = None


class SecretProjection(Typed, frozen=True, kw_only=True):
    """Adapts a secret into a projected volume."""

    items: Annotated[list[KeyToPath] | None, ATOMIC] = None
    name: str | None = None
    optional: bool | None = None


class ServiceAccountTokenProjection(Typed, frozen=True, kw_only=True):
    """ServiceAccountTokenProjection represents a projected service account token volume."""

    audience: str | None = None
    expiration_seconds: int | None = None
    path: str


class VolumeProjection(Typed, frozen=True, kw_only=True):
    """Projection that may be projected along with other supported volume types."""

    cluster_trust_bundle: ClusterTrustBundleProjection | None = None
    config_map: ConfigMapProjection | None = None
    downward_api: DownwardAPIProjection | None = msgspec.field(name="downwardAPI", default=None)
    secret: SecretProjection | None = None
    service_account_token: ServiceAccountTokenProjection | None = None


class ProjectedVolumeSource(Typed, frozen=True, kw_only=True):
    """Represents a projected volume source."""

    default_mode: int | None = None
    sources: Annotated[list[VolumeProjection] | None, ATOMIC] = None


class QuobyteVolumeSource(Typed, frozen=True, kw_only=True):
    """Represents a Quobyte mount that lasts the lifetime of a pod."""

    group: str | None = None
    read_only: bool | None = None
    registry: str
    tenant: str | None = None
    user: str | None = None
    volume: str


class RBDVolumeSource(Typed, frozen=True, kw_only=True):
    """Represents a Rados Block Device mount that lasts the lifetime of a pod."""

    fs_type: str | None = None
    image: str
    keyring: str | None = None
    monitors: Annotated[list[str], ATOMIC]
    pool: str | None = None
    read_only: bool | None = None
    secret_ref: Annotated[LocalObjectReference | None, ATOMIC_MAP] = None
    user: str | None = None


class ScaleIOVolumeSource(Typed, frozen=True, kw_only=True):
    """ScaleIOVolumeSource represents a persistent ScaleIO volume."""

    fs_type: str | None = None
    gateway: str
    protection_domain: str | None = None
    read_only: bool | None = None
    secret_ref: Annotated[LocalObjectReference, ATOMIC_MAP]
    ssl_enabled: bool | None = None
    storage_mode: str | None = None
    storage_pool: str | None = None
    system: str
    volume_name: str | None = None


class SecretVolumeSource(Typed, frozen=True, kw_only=True):
    """Adapts a Secret into a volume."""

    default_mode: int | None = None
    items: Annotated[list[KeyToPath] | None, ATOMIC] = None
    optional: bool | None = None
    secret_name: str | None = None


class StorageOSVolumeSource(Typed, frozen=True, kw_only=True):
    """Represents a StorageOS persistent volume resource."""

    fs_type: str | None = None
    read_only: bool | None = None
    secret_ref: Annotated[LocalObjectReference | None, ATOMIC_MAP] = None
    volume_name: str | None = None
    volume_namespace: str | None = None


class VsphereVirtualDiskVolumeSource(Typed, frozen=True, kw_only=True):
    """Represents a vSphere volume resource."""

    fs_type: str | None = None
    storage_policy_id: str | None = msgspec.field(name="storagePolicyID", default=None)
    storage_policy_name: str | None = None
    volume_path: str


class Volume(Typed, frozen=True, kw_only=True):
    """Volume represents a named volume in a pod that may be accessed by any container in the pod."""

    aws_elastic_block_store: AWSElasticBlockStoreVolumeSource | None = None
    azure_disk: AzureDiskVolumeSource | None = None
    azure_file: AzureFileVolumeSource | None = None
    cephfs: CephFSVolumeSource | None = None
    cinder: CinderVolumeSource | None = None
    config_map: ConfigMapVolumeSource | None = None
    csi: CSIVolumeSource | None = None
    downward_api: DownwardAPIVolumeSource | None = msgspec.field(name="downwardAPI", default=None)
    empty_dir: EmptyDirVolumeSource | None = None
    ephemeral: EphemeralVolumeSource | None = None
    fc: FCVolumeSource | None = None
    flex_volume: FlexVolumeSource | None = None
    flocker: FlockerVolumeSource | None = None
    gce_persistent_disk: GCEPersistentDiskVolumeSource | None = None
    git_repo: GitRepoVolumeSource | None = None
    glusterfs: GlusterfsVolumeSource | None = None
    host_path: HostPathVolumeSource | None = None
    image: ImageVolumeSource | None = None
    iscsi: ISCSIVolumeSource | None = None
    name: str
    nfs: NFSVolumeSource | None = None
    persistent_volume_claim: PersistentVolumeClaimVolumeSource | None = None
    photon_persistent_disk: PhotonPersistentDiskVolumeSource | None = None
    portworx_volume: PortworxVolumeSource | None = None
    projected: ProjectedVolumeSource | None = None
    quobyte: QuobyteVolumeSource | None = None
    rbd: RBDVolumeSource | None = None
    scale_io: ScaleIOVolumeSource | None = msgspec.field(name="scaleIO", default=None)
    secret: SecretVolumeSource | None = None
    storageos: StorageOSVolumeSource | None = None
    vsphere_volume: VsphereVirtualDiskVolumeSource | None = None


class PodSpec(Typed, frozen=True, kw_only=True):
    """PodSpec is a description of a pod."""

    active_deadline_seconds: int | None = None
    affinity: Affinity | None = None
    automount_service_account_token: bool | None = None
    containers: Annotated[list[Container] | None, keyed("name")] = None
    dns_config: PodDNSConfig | None = None
    dns_policy: str | None = None
    enable_service_links: bool | None = None
    ephemeral_containers: Annotated[list[EphemeralContainer] | None, keyed("name")] = None
    host_aliases: Annotated[list[HostAlias] | None, keyed("ip")] = None
    host_ipc: bool | None = msgspec.field(name="hostIPC", default=None)
    host_network: bool | None = None
    host_pid: bool | None = msgspec.field(name="hostPID", default=None)
    host_users: bool | None = None
    hostname: str | None = None
    image_pull_secrets: Annotated[list[LocalObjectReference] | None, keyed("name")] = None
    init_containers: Annotated[list[Container] | None, keyed("name")] = None
    node_name: str | None = None
    node_selector: Annotated[dict[str, str] | None, ATOMIC_MAP] = None
    os: PodOS | None = None
    overhead: dict[str, Quantity] | None = None
    preemption_policy: str | None = None
    priority: int | None = None
    priority_class_name: str | None = None
    readiness_gates: Annotated[list[PodReadinessGate] | None, ATOMIC] = None
    resource_claims: Annotated[
        list[PodResourceClaim] | None,
        hints(
            {
                "list-map-keys": ["name"],
                "list-type": "map",
                "patch-merge-key": "name",
                "patch-strategy": "merge,retainKeys",
            }
        ),
    ] = None
    resources: ResourceRequirements | None = None
    restart_policy: str | None = None
    runtime_class_name: str | None = None
    scheduler_name: str | None = None
    scheduling_gates: Annotated[list[PodSchedulingGate] | None, keyed("name")] = None
    security_context: PodSecurityContext | None = None
    service_account: str | None = None
    service_account_name: str | None = None
    set_hostname_asfqdn: bool | None = msgspec.field(name="setHostnameAsFQDN", default=None)
    share_process_namespace: bool | None = None
    subdomain: str | None = None
    termination_grace_period_seconds: int | None = None
    tolerations: Annotated[list[Toleration] | None, ATOMIC] = None
    topology_spread_constraints: Annotated[
        list[TopologySpreadConstraint] | None, keyed("topologyKey", "whenUnsatisfiable")
    ] = None
    volumes: Annotated[
        list[Volume] | None,
        hints(
            {
                "list-map-keys": ["name"],
                "list-type": "map",
                "patch-merge-key": "name",
                "patch-strategy": "merge,retainKeys",
            }
        ),
    ] = None


class PodTemplateSpec(Typed, frozen=True, kw_only=True):
    """PodTemplateSpec describes the data a pod should have when created from a template."""

    metadata: ObjectMeta | None = None
    spec: PodSpec | None = None


class DeploymentSpec(Typed, frozen=True, kw_only=True):
    """DeploymentSpec is the specification of the desired behavior of the Deployment."""

    min_ready_seconds: int | None = None
    paused: bool | None = None
    progress_deadline_seconds: int | None = None
    replicas: int | None = None
    revision_history_limit: int | None = None
    selector: Annotated[LabelSelector, ATOMIC_MAP]
    strategy: Annotated[DeploymentStrategy | None, hints({"patch-strategy": "retainKeys"})] = None
    template: PodTemplateSpec


class DeploymentCondition(Typed, frozen=True, kw_only=True):
    """DeploymentCondition describes the state of a deployment at a certain point."""

    last_transition_time: Time | None = None
    last_update_time: Time | None = None
    message: str | None = None
    reason: str | None = None
    status: str
    type: str


class DeploymentStatus(Typed, frozen=True, kw_only=True):
    """DeploymentStatus is the most recently observed status of the Deployment."""

    available_replicas: int | None = None
    collision_count: int | None = None
    conditions: Annotated[list[DeploymentCondition] | None, keyed("type")] = None
    observed_generation: int | None = None
    ready_replicas: int | None = None
    replicas: int | None = None
    unavailable_replicas: int | None = None
    updated_replicas: int | None = None


class Deployment(Resource, frozen=True, kw_only=True):
    """Deployment enables declarative updates for Pods and ReplicaSets."""

    spec: DeploymentSpec | None = None
    status: DeploymentStatus | None = None


class ObjectReference(Typed, frozen=True, kw_only=True):
    """ObjectReference contains enough information to let you inspect or modify the referred object."""

    api_version: str | None = None
    field_path: str | None = None
    kind: str | None = None
    name: str | None = None
    namespace: str | None = None
    resource_version: str | None = None
    uid: str | None = None


class EventSeries(Typed, frozen=True, kw_only=True):
    """EventSeries contain information on series of events, i.e."""

    count: int | None = None
    last_observed_time: Time | None = None


class EventSource(Typed, frozen=True, kw_only=True):
    """EventSource contains information for an event."""

    component: str | None = None
    host: str | None = None


class Event(Resource, frozen=True, kw_only=True):
    """Event is a report of an event somewhere in the cluster."""

    action: str | None = None
    count: int | None = None
    event_time: Time | None = None
    first_timestamp: Time | None = None
    involved_object: Annotated[ObjectReference, ATOMIC_MAP]
    last_timestamp: Time | None = None
    message: str | None = None
    reason: str | None = None
    related: Annotated[ObjectReference | None, ATOMIC_MAP] = None
    reporting_component: str | None = None
    reporting_instance: str | None = None
    series: EventSeries | None = None
    source: EventSource | None = None
    type: str | None = None


class MetricIdentifier(Typed, frozen=True, kw_only=True):
    """MetricIdentifier defines the name and optionally selector for a metric."""

    name: str
    selector: Annotated[LabelSelector | None, ATOMIC_MAP] = None


class ExternalMetricSource(Typed, frozen=True, kw_only=True):
    """ExternalMetricSource indicates how to scale on a metric not associated with any Kubernetes object (for
    example length of queue in cloud messaging service, or QPS from loadbalancer running outside of cluster).
    """

    metric: MetricIdentifier
    target: MetricTarget


class ExternalMetricStatus(Typed, frozen=True, kw_only=True):
    """ExternalMetricStatus indicates the current value of a global metric not associated with any Kubernetes
    object.
    """

    current: MetricValueStatus | None = None
    metric: MetricIdentifier | None = None


class HPAScalingPolicy(Typed, frozen=True, kw_only=True):
    """HPAScalingPolicy is a single policy which must hold true for a specified past interval."""

    period_seconds: int
    type: str
    value: int


class HPAScalingRules(Typed, frozen=True, kw_only=True):
    """HPAScalingRules configures the scaling behavior for one direction."""

    policies: Annotated[list[HPAScalingPolicy] | None, ATOMIC] = None
    select_policy: str | None = None
    stabilization_window_seconds: int | None = None


class HorizontalPodAutoscalerBehavior(Typed, frozen=True, kw_only=True):
    """HorizontalPodAutoscalerBehavior configures the scaling behavior of the target in both Up and Down directions
    (scaleUp and scaleDown fields respectively).
    """

    scale_down: HPAScalingRules | None = None
    scale_up: HPAScalingRules | None = None


class ObjectMetricSource(Typed, frozen=True, kw_only=True):
    """ObjectMetricSource indicates how to scale on a metric describing a kubernetes object (for example, hits-per-
    second on an Ingress object).
    """

    described_object: CrossVersionObjectReference
    metric: MetricIdentifier
    target: MetricTarget


class PodsMetricSource(Typed, frozen=True, kw_only=True):
    """PodsMetricSource indicates how to scale on a metric describing each pod in the current scale target (for
    example, transactions-processed-per-second).
    """

    metric: MetricIdentifier
    target: MetricTarget


class ResourceMetricSource(Typed, frozen=True, kw_only=True):
    """ResourceMetricSource indicates how to scale on a resource metric known to Kubernetes, as specified in
    requests and limits, describing each pod in the current scale target (e.g.
    """

    name: str
    target: MetricTarget


class MetricSpec(Typed, frozen=True, kw_only=True):
    """MetricSpec specifies how to scale based on a single metric (only `type` and one other matching field should
    be set at once).
    """

    container_resource: ContainerResourceMetricSource | None = None
    external: ExternalMetricSource | None = None
    object: ObjectMetricSource | None = None
    pods: PodsMetricSource | None = None
    resource: ResourceMetricSource | None = None
    type: str


class HorizontalPodAutoscalerSpec(Typed, frozen=True, kw_only=True):
    """HorizontalPodAutoscalerSpec describes the desired functionality of the HorizontalPodAutoscaler."""

    behavior: HorizontalPodAutoscalerBehavior | None = None
    max_replicas: int
    metrics: Annotated[list[MetricSpec] | None, ATOMIC] = None
    min_replicas: int | None = None
    scale_target_ref: CrossVersionObjectReference


class HorizontalPodAutoscalerCondition(Typed, frozen=True, kw_only=True):
    """HorizontalPodAutoscalerCondition describes the state of a HorizontalPodAutoscaler at a certain point."""

    last_transition_time: Time | None = None
    message: str | None = None
    reason: str | None = None
    status: str
    type: str


class ObjectMetricStatus(Typed, frozen=True, kw_only=True):
    """ObjectMetricStatus indicates the current value of a metric describing a kubernetes object (for example,
    hits-per-second on an Ingress object).
    """

    current: MetricValueStatus | None = None
    described_object: CrossVersionObjectReference | None = None
    metric: MetricIdentifier | None = None


class PodsMetricStatus(Typed, frozen=True, kw_only=True):
    """PodsMetricStatus indicates the current value of a metric describing each pod in the current scale target
    (for example, transactions-processed-per-second).
    """

    current: MetricValueStatus | None = None
    metric: MetricIdentifier | None = None


class ResourceMetricStatus(Typed, frozen=True, kw_only=True):
    """ResourceMetricStatus indicates the current value of a resource metric known to Kubernetes, as specified in
    requests and limits, describing each pod in the current scale target (e.g.
    """

    current: MetricValueStatus | None = None
    name: str


class MetricStatus(Typed, frozen=True, kw_only=True):
    """MetricStatus describes the last-read state of a single metric."""

    container_resource: ContainerResourceMetricStatus | None = None
    external: ExternalMetricStatus | None = None
    object: ObjectMetricStatus | None = None
    pods: PodsMetricStatus | None = None
    resource: ResourceMetricStatus | None = None
    type: str | None = None


class HorizontalPodAutoscalerStatus(Typed, frozen=True, kw_only=True):
    """HorizontalPodAutoscalerStatus describes the current status of a horizontal pod autoscaler."""

    conditions: Annotated[list[HorizontalPodAutoscalerCondition] | None, keyed("type")] = None
    current_metrics: Annotated[list[MetricStatus] | None, ATOMIC] = None
    current_replicas: int | None = None
    desired_replicas: int | None = None
    last_scale_time: Time | None = None
    observed_generation: int | None = None


class HorizontalPodAutoscaler(Resource, frozen=True, kw_only=True):
    """HorizontalPodAutoscaler is the configuration for a horizontal pod autoscaler, which automatically manages
    the replica count of any resource implementing the scale subresource based on the metrics specified.
    """

    spec: HorizontalPodAutoscalerSpec | None = None
    status: HorizontalPodAutoscalerStatus | None = None


class HostIP(Typed, frozen=True, kw_only=True):
    """HostIP represents a single IP address allocated to the host."""

    ip: str


class IPBlock(Typed, frozen=True, kw_only=True):
    """IPBlock describes a particular CIDR (Ex."""

    cidr: str
    except_: Annotated[list[str] | None, ATOMIC] = None


class LimitRangeItem(Typed, frozen=True, kw_only=True):
    """LimitRangeItem defines a min/max usage limit for any resource that matches on kind."""

    default: dict[str, Quantity] | None = None
    default_request: dict[str, Quantity] | None = None
    max: dict[str, Quantity] | None = None
    max_limit_request_ratio: dict[str, Quantity] | None = None
    min: dict[str, Quantity] | None = None
    type: str


class LimitRangeSpec(Typed, frozen=True, kw_only=True):
    """LimitRangeSpec defines a min/max usage limit for resources that match on kind."""

    limits: Annotated[list[LimitRangeItem], ATOMIC]


class LimitRange(Resource, frozen=True, kw_only=True):
    """LimitRange sets resource usage limits for each kind of resource in a Namespace."""

    spec: LimitRangeSpec | None = None


class PortStatus(Typed, frozen=True, kw_only=True):
    """PortStatus represents the error condition of a service port."""

    error: str | None = None
    port: int | None = None
    protocol: str | None = None


class LoadBalancerIngress(Typed, frozen=True, kw_only=True):
    """LoadBalancerIngress represents the status of a load-balancer ingress point: traffic intended for the service
    should be sent to an ingress point.
    """

    hostname: str | None = None
    ip: str | None = None
    ip_mode: str | None = None
    ports: Annotated[list[PortStatus] | None, ATOMIC] = None


class LoadBalancerStatus(Typed, frozen=True, kw_only=True):
    """LoadBalancerStatus represents the status of a load-balancer."""

    ingress: Annotated[list[LoadBalancerIngress] | None, ATOMIC] = None


class ModifyVolumeStatus(Typed, frozen=True, kw_only=True):
    """ModifyVolumeStatus represents the status object of ControllerModifyVolume operation."""

    status: str | None = None
    target_volume_attributes_class_name: str | None = None


class NamespaceSpec(Typed, frozen=True, kw_only=True):
    """NamespaceSpec describes the attributes on a Namespace."""

    finalizers: Annotated[list[str] | None, ATOMIC] = None


class NamespaceCondition(Typed, frozen=True, kw_only=True):
    """NamespaceCondition contains details about state of namespace."""

    last_transition_time: Time | None = None
    message: str | None = None
    reason: str | None = None
    status: str
    type: str


class NamespaceStatus(Typed, frozen=True, kw_only=True):
    """NamespaceStatus is information about the current status of a Namespace."""

    conditions: Annotated[list[NamespaceCondition] | None, keyed("type")] = None
    phase: str | None = None


class Namespace(Resource, frozen=True, kw_only=True):
    """Namespace provides a scope for Names."""

    spec: NamespaceSpec | None = None
    status: NamespaceStatus | None = None


class NetworkPolicyPort(Typed, frozen=True, kw_only=True):
    """NetworkPolicyPort describes a port to allow traffic on."""

    end_port: int | None = None
    port: IntOrString | None = None
    protocol: str | None = None


class NetworkPolicyPeer(Typed, frozen=True, kw_only=True):
    """NetworkPolicyPeer describes a peer to allow traffic to/from."""

    ip_block: IPBlock | None = None
    namespace_selector: Annotated[LabelSelector | None, ATOMIC_MAP] = None
    pod_selector: Annotated[LabelSelector | None, ATOMIC_MAP] = None


class NetworkPolicyEgressRule(Typed, frozen=True, kw_only=True):
    """NetworkPolicyEgressRule describes a particular set of traffic that is allowed out of pods matched by a
    NetworkPolicySpec's podSelector.
    """

    ports: Annotated[list[NetworkPolicyPort] | None, ATOMIC] = None
    to: Annotated[list[NetworkPolicyPeer] | None, ATOMIC] = None


class NetworkPolicyIngressRule(Typed, frozen=True, kw_only=True):
    """NetworkPolicyIngressRule describes a particular set of traffic that is allowed to the pods matched by a
    NetworkPolicySpec's podSelector.
    """

    from_: Annotated[list[NetworkPolicyPeer] | None, ATOMIC] = None
    ports: Annotated[list[NetworkPolicyPort] | None, ATOMIC] = None


class NetworkPolicySpec(Typed, frozen=True, kw_only=True):
    """NetworkPolicySpec provides the specification of a NetworkPolicy."""

    egress: Annotated[list[NetworkPolicyEgressRule] | None, ATOMIC] = None
    ingress: Annotated[list[NetworkPolicyIngressRule] | None, ATOMIC] = None
    pod_selector: Annotated[LabelSelector | None, ATOMIC_MAP] = None
    policy_types: Annotated[list[str] | None, ATOMIC] = None


class NetworkPolicy(Resource, frozen=True, kw_only=True):
    """NetworkPolicy describes what network traffic is allowed for a set of Pods."""

    spec: NetworkPolicySpec | None = None


class PersistentVolumeClaimCondition(Typed, frozen=True, kw_only=True):
    """PersistentVolumeClaimCondition contains details about state of pvc."""

    last_probe_time: Time | None = None
    last_transition_time: Time | None = None
    message: str | None = None
    reason: str | None = None
    status: str
    type: str


class PersistentVolumeClaimStatus(Typed, frozen=True, kw_only=True):
    """PersistentVolumeClaimStatus is the current status of a persistent volume claim."""

    access_modes: Annotated[list[str] | None, ATOMIC] = None
    allocated_resource_statuses: dict[str, str] | None = None
    allocated_resources: dict[str, Quantity] | None = None
    capacity: dict[str, Quantity] | None = None
    conditions: Annotated[list[PersistentVolumeClaimCondition] | None, keyed("type")] = None
    current_volume_attributes_class_name: str | None = None
    modify_volume_status: ModifyVolumeStatus | None = None
    phase: str | None = None


class PersistentVolumeClaim(Resource, frozen=True, kw_only=True):
    """PersistentVolumeClaim is a user's request for and claim to a persistent volume."""

    spec: PersistentVolumeClaimSpec | None = None
    status: PersistentVolumeClaimStatus | None = None


class PodCondition(Typed, frozen=True, kw_only=True):
    """PodCondition contains details for the current condition of this pod."""

    last_probe_time: Time | None = None
    last_transition_time: Time | None = None
    message: str | None = None
    reason: str | None = None
    status: str
    type: str


class PodIP(Typed, frozen=True, kw_only=True):
    """PodIP represents a single IP address allocated to the pod."""

    ip: str


class PodResourceClaimStatus(Typed, frozen=True, kw_only=True):
    """PodResourceClaimStatus is stored in the PodStatus for each PodResourceClaim which references a
    ResourceClaimTemplate.
    """

    name: str
    resource_claim_name: str | None = None


class PodStatus(Typed, frozen=True, kw_only=True):
    """PodStatus represents information about the status of a pod."""

    conditions: Annotated[list[PodCondition] | None, keyed("type")] = None
    container_statuses: Annotated[list[ContainerStatus] | None, ATOMIC] = None
    ephemeral_container_statuses: Annotated[list[ContainerStatus] | None, ATOMIC] = None
    host_ip: str | None = msgspec.field(name="hostIP", default=None)
    host_ips: Annotated[
        list[HostIP] | None, hints({"list-type": "atomic", "patch-merge-key": "ip", "patch-strategy": "merge"})
    ] = msgspec.field(name="hostIPs", default=None)
    init_container_statuses: Annotated[list[ContainerStatus] | None, ATOMIC] = None
    message: str | None = None
    nominated_node_name: str | None = None
    phase: str | None = None
    pod_ip: str | None = msgspec.field(name="podIP", default=None)
    pod_ips: Annotated[list[PodIP] | None, keyed("ip")] = msgspec.field(name="podIPs", default=None)
    qos_class: str | None = None
    reason: str | None = None
    resize: str | None = None
    resource_claim_statuses: Annotated[
        list[PodResourceClaimStatus] | None,
        hints(
            {
                "list-map-keys": ["name"],
                "list-type": "map",
                "patch-merge-key": "name",
                "patch-strategy": "merge,retainKeys",
            }
        ),
    ] = None
    start_time: Time | None = None


class Pod(Resource, frozen=True, kw_only=True):
    """Pod is a collection of containers that can run on a host."""

    spec: PodSpec | None = None
    status: PodStatus | None = None


class PodDisruptionBudgetSpec(Typed, frozen=True, kw_only=True):
    """PodDisruptionBudgetSpec is a description of a PodDisruptionBudget."""

    max_unavailable: IntOrString | None = None
    min_available: IntOrString | None = None
    selector: Annotated[LabelSelector | None, hints({"map-type": "atomic", "patch-strategy": "replace"})] = None
    unhealthy_pod_eviction_policy: str | None = None


class PodDisruptionBudgetStatus(Typed, frozen=True, kw_only=True):
    """PodDisruptionBudgetStatus represents information about the status of a PodDisruptionBudget."""

    conditions: Annotated[list[Condition] | None, keyed("type")] = None
    current_healthy: int | None = None
    desired_healthy: int | None = None
    disrupted_pods: dict[str, Time] | None = None
    disruptions_allowed: int | None = None
    expected_pods: int | None = None
    observed_generation: int | None = None


class PodDisruptionBudget(Resource, frozen=True, kw_only=True):
    """PodDisruptionBudget is an object to define the max disruption that can be caused to a collection of pods."""

    spec: PodDisruptionBudgetSpec | None = None
    status: PodDisruptionBudgetStatus | None = None


class ScopedResourceSelectorRequirement(Typed, frozen=True, kw_only=True):
    """A scoped-resource selector requirement is a selector that contains values, a scope name, and an operator
    that relates the scope name and values.
    """

    operator: str
    scope_name: str
    values: Annotated[list[str] | None, ATOMIC] = None


class ScopeSelector(Typed, frozen=True, kw_only=True):
    """A scope selector represents the AND of the selectors represented by the scoped-resource selector
    requirements.
    """

    match_expressions: Annotated[list[ScopedResourceSelectorRequirement] | None, ATOMIC] = None


class ResourceQuotaSpec(Typed, frozen=True, kw_only=True):
    """ResourceQuotaSpec defines the desired hard limits to enforce for Quota."""

    hard: dict[str, Quantity] | None = None
    scope_selector: Annotated[ScopeSelector | None, ATOMIC_MAP] = None
    scopes: Annotated[list[str] | None, ATOMIC] = None


class ResourceQuotaStatus(Typed, frozen=True, kw_only=True):
    """ResourceQuotaStatus defines the enforced hard limits and observed use."""

    hard: dict[str, Quantity] | None = None
    used: dict[str, Quantity] | None = None


class ResourceQuota(Resource, frozen=True, kw_only=True):
    """ResourceQuota sets aggregate quota restrictions enforced per namespace."""

    spec: ResourceQuotaSpec | None = None
    status: ResourceQuotaStatus | None = None


class Role(Resource, frozen=True, kw_only=True):
    """Role is a namespaced, logical grouping of PolicyRules that can be referenced as a unit by a RoleBinding."""

    rules: Annotated[list[PolicyRule] | None, ATOMIC] = None


class RoleBinding(Resource, frozen=True, kw_only=True):
    """RoleBinding references a role, but does not contain it."""

    role_ref: Annotated[RoleRef, ATOMIC_MAP]
    subjects: Annotated[list[Subject] | None, ATOMIC] = None


class Secret(Resource, frozen=True, kw_only=True):
    """Secret holds secret data of a certain type."""

    data: dict[str, str] | None = None
    immutable: bool | None = None
    string_data: dict[str, str] | None = None
    type: str | None = None


class ServicePort(Typed, frozen=True, kw_only=True):
    """ServicePort contains information on service's port."""

    app_protocol: str | None = None
    name: str | None = None
    node_port: int | None = None
    port: int
    protocol: str | None = None
    target_port: IntOrString | None = None


class SessionAffinityConfig(Typed, frozen=True, kw_only=True):
    """SessionAffinityConfig represents the configurations of session affinity."""

    client_ip: ClientIPConfig | None = msgspec.field(name="clientIP", default=None)


class ServiceSpec(Typed, frozen=True, kw_only=True):
    """ServiceSpec describes the attributes that a user creates on a service."""

    allocate_load_balancer_node_ports: bool | None = None
    cluster_ip: str | None = msgspec.field(name="clusterIP", default=None)
    cluster_ips: Annotated[list[str] | None, ATOMIC] = msgspec.field(name="clusterIPs", default=None)
    external_ips: Annotated[list[str] | None, ATOMIC] = msgspec.field(name="externalIPs", default=None)
    external_name: str | None = None
    external_traffic_policy: str | None = None
    health_check_node_port: int | None = None
    internal_traffic_policy: str | None = None
    ip_families: Annotated[list[str] | None, ATOMIC] = None
    ip_family_policy: str | None = None
    load_balancer_class: str | None = None
    load_balancer_ip: str | None = msgspec.field(name="loadBalancerIP", default=None)
    load_balancer_source_ranges: Annotated[list[str] | None, ATOMIC] = None
    ports: Annotated[list[ServicePort] | None, keyed("port", "protocol")] = None
    publish_not_ready_addresses: bool | None = None
    selector: Annotated[dict[str, str] | None, ATOMIC_MAP] = None
    session_affinity: str | None = None
    session_affinity_config: SessionAffinityConfig | None = None
    traffic_distribution: str | None = None
    type: str | None = None


class ServiceStatus(Typed, frozen=True, kw_only=True):
    """ServiceStatus represents the current status of a service."""

    conditions: Annotated[list[Condition] | None, keyed("type")] = None
    load_balancer: LoadBalancerStatus | None = None


class Service(Resource, frozen=True, kw_only=True):
    """Service is a named abstraction of software service (for example, mysql) consisting of local port (for
    example 3306) that the proxy listens on, and the selector that determines which pods will answer requests
    sent through the proxy.
    """

    spec: ServiceSpec | None = None
    status: ServiceStatus | None = None


class ServiceAccount(Resource, frozen=True, kw_only=True):
    """ServiceAccount binds together: * a name, understood by users, and perhaps by peripheral systems, for an
    identity * a principal that can be authenticated and authorized * a set of secrets.
    """

    automount_service_account_token: bool | None = None
    image_pull_secrets: Annotated[list[LocalObjectReference] | None, ATOMIC] = None
    secrets: Annotated[list[ObjectReference] | None, keyed("name")] = None

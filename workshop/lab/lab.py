"""One running lab: the state that its parts share. It is created at the start and passed to every part."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from workshop.lab.identity.identities import Identities
from workshop.lab.identity.users import User
from workshop.lab.images.store import ImageStore
from workshop.lab.model_servers import ModelServer
from workshop.lab.parts import Components, Part, personal_name
from workshop.lab.paths import KIT, LabPaths
from workshop.lab.rbac.attributes import Attributes
from workshop.lab.rbac.policy import Policy
from workshop.lab.routes import Routes
from workshop.lab.runtimes.base import Runtime, ServingRuntime
from workshop.lab.store import Store
from workshop.participants.names import LAB_PARTICIPANT, Participant

INSTRUCTOR = "instructor"
"""The instructor's name on pages and as a user of the API."""

if TYPE_CHECKING:
    from workshop.lab.runtimes.process.launcher import Launcher


@dataclass(frozen=True)
class Lab:
    """The paths, the store, the token of all servers but the API, the ports by name, and the components.

    A Lab is what one participant has of a lab: `paths`, `token`, `participant`, `ports` and `parts` are theirs, all
    else is the same for all. `views` are the Labs of all participants, the first one's first. `instructors` has the
    instructor's, which `oversees` all of them: its pages show every participant's runs, and the board.

    `identities` are the users and accounts that send requests, `policy` decides what they may do.

    `launcher` starts programs, `runtime` the steps and sidecars of TaskRuns, `processes` what the lab has built itself:
    model servers and Builds. `images` are those that pipelines built. The lab's kinds are `store.kinds`. `parts` is the
    state of the components, `model_servers` the Pods that answer predictions. Code that changes one of them calls
    `changed`, which calls the functions in `watchers`.
    """

    paths: LabPaths
    store: Store
    token: str
    identities: Identities
    policy: Policy
    launcher: Launcher
    runtime: Runtime
    processes: ServingRuntime
    images: ImageStore
    ports: Mapping[str, int] = field(default_factory=dict)
    components: Components = field(default_factory=dict)
    participant: Participant = LAB_PARTICIPANT
    kit: Path = KIT
    routes: Routes = field(default_factory=Routes)
    parts: MutableMapping[str, Part] = field(default_factory=dict)
    model_servers: list[ModelServer] = field(default_factory=list)
    watchers: list[Callable[[], None]] = field(default_factory=list)
    views: list[Lab] = field(default_factory=list)
    instructors: list[Lab] = field(default_factory=list)
    oversees: bool = False

    @property
    def user(self) -> User:
        """The participant as a user of the API."""
        return self.identities.users.named(self.participant.name) or User(self.participant.name)

    def view(self, participant: Participant, token: str) -> Lab:
        """The Lab of another participant: with their files, their token and their own components."""
        own = [name for name, spec in self.components.items() if spec.personal]
        theirs = {name: self.ports[port] for name in own if (port := personal_name(name, participant)) in self.ports}
        return replace(
            self,
            paths=self.paths.of(participant.name),
            token=token,
            participant=participant,
            # Never the address of the first participant's component in place of their own.
            ports={**{name: port for name, port in self.ports.items() if name not in own}, **theirs},
            parts=ChainMap({name: Part(name, "starting") for name in own}, self.parts),
        )

    @property
    def tokens(self) -> tuple[str, ...]:
        """The tokens of the participants and of the instructor, for the parts that they share."""
        return tuple(one.token for one in (*self.views, *self.instructors))

    def overseen(self, token: str) -> Lab:
        """The Lab of the instructor. Its user has no rights in the API."""
        return replace(self, token=token, participant=Participant(INSTRUCTOR), oversees=True)

    @property
    def shown(self) -> tuple[str, ...]:
        """The namespaces whose runs the pages list."""
        if self.oversees:
            return tuple(namespace for view in self.views for namespace in view.participant.namespaces)
        return self.participant.namespaces

    def owner(self, namespace: str) -> Lab:
        """The Lab of the participant whose namespace it is; this one for a namespace of no participant."""
        return next((view for view in self.views if namespace in view.participant.namespaces), self)

    def sees(self, namespace: str) -> bool:
        """Whether the participant's pages show runs of a namespace: their own, and where their roles let them look."""
        return (
            namespace in self.shown
            or self.policy.decide(self.user, Attributes("list", "tekton.dev", "pipelineruns", namespace)).allowed
        )

    def url(self, name: str) -> str | None:
        """`http://127.0.0.1:<port>` of a server or a component; None without a port of this name. The API has https."""
        scheme = "https" if name == "api" else "http"
        return f"{scheme}://127.0.0.1:{self.ports[name]}" if name in self.ports else None

    def component_url(self, name: str) -> str | None:
        """The address of an installed component, ready or not; None for others."""
        part = self.parts.get(name)
        return part.url if part else None

    def page_url(self, name: str) -> str | None:
        """The target of links to a component; None if it is not installed."""
        url = self.component_url(name)
        return f"{url}{self.components[name].page}" if url else None

    def show(self, part: Part) -> None:
        """Replace the state of a component."""
        self.parts[part.name] = part
        self.changed()

    def changed(self) -> None:
        """Notify every watcher that a part, a model server or a route has changed."""
        for watcher in self.watchers:
            watcher()

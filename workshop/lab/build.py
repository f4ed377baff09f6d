"""Builds the Lab with the runtime that was chosen for it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from workshop.lab import process_environment
from workshop.lab.api.auth import token as token_of
from workshop.lab.identity.account_tokens import AccountTokens
from workshop.lab.identity.identities import Identities
from workshop.lab.identity.users import ADMINISTRATOR, AUTHENTICATED, MASTERS, PARTICIPANTS, User, Users, person
from workshop.lab.images.run import HostImages
from workshop.lab.images.store import ImageStore
from workshop.lab.lab import Lab
from workshop.lab.parts import Components
from workshop.lab.paths import LabPaths
from workshop.lab.rbac.policy import Policy
from workshop.lab.room import ALONE, Room
from workshop.lab.runtimes.base import Runtime
from workshop.lab.runtimes.choice import PODMAN, choose
from workshop.lab.runtimes.podman.runtime import PodmanRuntime
from workshop.lab.runtimes.process.images import ImageTable
from workshop.lab.runtimes.process.launcher import Launcher
from workshop.lab.runtimes.process.runtime import ProcessRuntime
from workshop.lab.store import Store


def build_lab(
    paths: LabPaths,
    store: Store,
    token: str,
    ports: Mapping[str, int],
    components: Components,
    people: Room = ALONE,
) -> Lab:
    """The Lab over a store, of the first participant. `views` of it has those of all.

    Nothing is started yet; `launcher.open` starts the first process. Raises OSError, SetupError.
    """
    launcher, images = Launcher(paths.run), ImageStore(paths.images)
    table = ImageTable(HostImages(images), Path(sys.executable).parent, process_environment.tools_folder(paths))
    # Steps have their own /tmp. Name the folders that they need, because these may be below /tmp.
    visible = (Path(process_environment.base(paths)["UV_CACHE_DIR"]),)
    processes = ProcessRuntime(paths, launcher, table, visible)
    runtime: Runtime = PodmanRuntime(paths) if choose(paths) == PODMAN else processes
    lab = Lab(
        paths,
        store,
        token,
        identities(paths, store, people),
        Policy(store),
        launcher,
        runtime,
        processes,
        images,
        ports,
        components,
        people.participants[0],
    )
    lab.views.append(lab)
    for one in people.participants[1:]:
        where = paths.of(one.name)
        where.make_own()
        lab.views.append(lab.view(one, token_of(where.token)))
    lab.instructors.append(lab.overseen(token_of(paths.instructor)))
    return lab


def identities(paths: LabPaths, store: Store, people: Room) -> Identities:
    """The administrator, the participants and ServiceAccounts. Raises SetupError.

    A participant's token is not the one that opens the lab's pages, MLflow and Git: Tasks get that one, and have the
    rights of their ServiceAccount alone.
    """
    administrator = User(ADMINISTRATOR, (MASTERS, AUTHENTICATED))
    persons = (person(one.name, PARTICIPANTS) for one in people.participants)
    users = Users.read(paths.users).without(people.gone).ensure((administrator, *persons))
    return Identities(users, AccountTokens(store, paths.tls / "accounts.key"))

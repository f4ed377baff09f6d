"""Builds the Lab with the process runtime: containers are processes of this machine."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from workshop.lab import process_environment
from workshop.lab.identity.account_tokens import AccountTokens
from workshop.lab.identity.identities import Identities
from workshop.lab.identity.users import ADMINISTRATOR, AUTHENTICATED, MASTERS, PARTICIPANTS, User, Users, person
from workshop.lab.images.run import HostImages
from workshop.lab.images.store import ImageStore
from workshop.lab.lab import Lab
from workshop.lab.parts import Components
from workshop.lab.paths import LabPaths
from workshop.lab.rbac.policy import Policy
from workshop.lab.runtimes.process.images import ImageTable
from workshop.lab.runtimes.process.launcher import Launcher
from workshop.lab.runtimes.process.runtime import ProcessRuntime
from workshop.lab.store import Store
from workshop.participants.names import LAB_PARTICIPANT


def build_lab(paths: LabPaths, store: Store, token: str, ports: Mapping[str, int], components: Components) -> Lab:
    """The Lab over a store. Nothing is started yet; `launcher.open` starts the first process."""
    launcher, images = Launcher(paths.run), ImageStore(paths.images)
    table = ImageTable(HostImages(images), Path(sys.executable).parent, process_environment.tools_folder(paths))
    # Steps have their own /tmp. Name the folders that they need, because these may be below /tmp.
    visible = (Path(process_environment.base(paths)["UV_CACHE_DIR"]),)
    runtime = ProcessRuntime(paths, launcher, table, visible)
    return Lab(
        paths,
        store,
        token,
        identities(paths, store),
        Policy(store),
        launcher,
        runtime,
        images,
        ports,
        components,
    )


def identities(paths: LabPaths, store: Store) -> Identities:
    """The administrator, the participant and ServiceAccounts. Raises SetupError.

    The participant's token is not the one that opens the lab's pages, MLflow and Git: Tasks get that one, and have the
    rights of their ServiceAccount alone.
    """
    people = (User(ADMINISTRATOR, (MASTERS, AUTHENTICATED)), person(LAB_PARTICIPANT.name, PARTICIPANTS))
    users = Users.read(paths.users).ensure(people)
    return Identities(users, AccountTokens(store, paths.tls / "accounts.key"))

"""The use case that the option --usecase names."""

from __future__ import annotations

from delivery import usecase
from delivery.errors import DeliveryError

from workshop.checks.served import MAIN, Served
from workshop.errors import UsageError
from workshop.participants.target import CommandTarget


def use_case(target: CommandTarget, folder: str) -> Served:
    """That of a folder of the clone, deployed or not; the kit's own needs no clone. Raises UsageError, SetupError."""
    if folder == MAIN.folder:
        return MAIN
    try:
        found = usecase.read(target.clone() / folder)
    except DeliveryError as e:
        raise UsageError(e.message, hint=e.next) from e
    return Served(found.deployment, found.experiment, found.task, folder, found.negative, found.positive)

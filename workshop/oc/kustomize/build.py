"""A folder built: its resources gathered, then changed in kustomize's fixed order."""

from __future__ import annotations

from pathlib import Path

from workshop.errors import ManifestError
from workshop.manifests.load import parse
from workshop.oc.kustomize import generators, naming, patching, replacements, transforms
from workshop.oc.kustomize.model import Item, Kustomization, Object, read
from workshop.oc.kustomize.order import ordered


def build(folder: str | Path) -> list[Object]:
    """The objects of a folder, in the order that kubectl prints and applies them. Raises ManifestError."""
    if str(folder).startswith(("http://", "https://", "git@", "ssh://")):
        raise ManifestError(f"{folder}: remote bases are not supported: name a folder")
    path = Path(folder)
    if not path.is_dir():
        raise ManifestError(f"'{path}' is not a directory: name the folder of a kustomization.yaml")
    top = read(path)
    items = _accumulate(path, ())
    generators.add_hashes(items)
    naming.update_references(items)
    return [item.object for item in ordered(items, top)]


def _accumulate(folder: Path, above: tuple[Path, ...], given: list[Item] | None = None) -> list[Item]:
    """The resources of a folder, transformed; a component gets those of its user. Raises ManifestError."""
    here = folder.resolve()
    if here in above:
        raise ManifestError(f"cycle detected: {' -> '.join(str(p) for p in (*above, here))}")
    work = read(folder)
    items = list(given or [])
    for name in [*work.many("resources"), *work.many("bases")]:
        items = _joined(work, items, _resources(work, str(name), (*above, here)))
    items = generators.generate(work, items)
    for name in work.many("components"):
        component = folder / str(name)
        if read(component).text("kind") != "Component":
            raise work.wrong("components", f"{name} is not of kind Component")
        items = _accumulate(component, (*above, here), items)
    items = patching.apply_all(work, items)
    transforms.namespace(work, items)
    naming.prefix(work, items)
    transforms.labels(work, items)
    transforms.annotate(work, items)
    items = patching.apply_json6902(work, items)
    transforms.replicas(work, items)
    transforms.images(work, items)
    replacements.apply(work, items)
    return items


def _resources(work: Kustomization, name: str, above: tuple[Path, ...]) -> list[Item]:
    if "://" in name or name.startswith(("git@", "github.com/")):
        raise work.wrong("resources", f"{name}: remote bases are not supported: name a file or a folder")
    path = work.root / name
    if path.is_dir():
        if read(path).text("kind") == "Component":
            raise work.wrong("resources", f"{name} is a Component: name it under components")
        return _accumulate(path, above)
    if not path.exists():
        raise work.wrong("resources", f"{name}: no such file or folder")
    found = []
    for one in parse(work.read(name), str(path)):
        if not isinstance(one.object.get("metadata"), dict) or not one.object["metadata"].get("name"):
            raise ManifestError(
                f"{one.where}: missing metadata.name in object {one.object['kind']}: kustomize needs "
                "names; objects with generateName are created with 'oc create -f'"
            )
        found.append(Item(one.object, one.where))
    return found


def _joined(work: Kustomization, items: list[Item], more: list[Item]) -> list[Item]:
    for one in more:
        for had in items:
            if (had.kind, had.group, had.version, had.name, had.namespace) == (
                one.kind,
                one.group,
                one.version,
                one.name,
                one.namespace,
            ):
                raise work.wrong(
                    "resources",
                    f"may not add resource with an already registered id: {one.shown} ({had.source}, {one.source})",
                )
    return [*items, *more]

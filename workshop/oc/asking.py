"""Which objects the words of a command name: `pods`, `pod a b`, `pod/a sdep/b`, `-f FILE`, `-k FOLDER`, `-l`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workshop.cluster.client import ApiFailure
from workshop.cluster.resources import Resource, match
from workshop.oc.failures import Failed
from workshop.oc.flags import BadUsage, Flag
from workshop.oc.session import Session

if TYPE_CHECKING:
    from workshop.manifests.load import Manifest

Object = dict[str, Any]
FILES = (Flag("filename", "f", "many"), Flag("kustomize", "k"), Flag("recursive", "R", "yes"))
SELECTOR = (Flag("selector", "l"), Flag("all", "", "yes"), Flag("field-selector"))


@dataclass(frozen=True)
class Named:
    """One object that was named, or (without a name) all of a kind."""

    resource: Resource
    name: str = ""
    namespace: str | None = None

    @property
    def shown(self) -> str:
        """`pod/a`, `sdep.machinelearning.seldon.io/a`."""
        return f"{self.resource.printed}/{self.name}"

    @property
    def path(self) -> str:
        return self.resource.path(self.namespace, self.name)


def manifests(session: Session) -> list[Manifest]:
    """The objects of -f and -k. Raises ManifestError, BadUsage."""
    from workshop.manifests.load import Manifest, load  # YAML is a tenth of a second that other verbs can spare

    words = session.words
    found: list[Manifest] = []
    for path in words.many("filename"):
        found += load(path, recursive=words.yes("recursive"))
    if words.text("kustomize"):
        from workshop.oc.kustomize.build import build

        folder = words.text("kustomize")
        found += [Manifest(obj, folder, 1) for obj in build(folder)]
    if not (words.many("filename") or words.text("kustomize")):
        raise BadUsage("must specify one of -f and -k")
    if not found:
        raise Failed("no objects passed to apply")
    return found


def from_files(session: Session) -> bool:
    """Whether the command names files."""
    return bool(session.words.many("filename") or session.words.text("kustomize"))


def resource(session: Session, word: str) -> Resource:
    """The kind of a word. Raises Failed in kubectl's words."""
    found = match(session.client.resources, word)
    if found is None:
        raise Failed(f'the server doesn\'t have a resource type "{word}"')
    return found


def place(session: Session, res: Resource, obj: Object | None = None) -> str | None:
    """The namespace that an object belongs in. Raises Failed when -n and the manifest disagree."""
    if not res.namespaced:
        return None
    given = (obj or {}).get("metadata", {}).get("namespace")
    if given and session.words.text("namespace") and given != session.words.text("namespace"):
        raise Failed(
            f'the namespace from the provided object "{given}" does not match the namespace '
            f"\"{session.words.text('namespace')}\". You must pass '--namespace={given}' to perform this "
            "operation."
        )
    return given or session.namespace


def of_manifest(session: Session, item: Manifest) -> Named:
    """Where a manifest's object is. Raises Failed when the server does not know its kind."""
    try:
        res = session.client.resource_of(item.object)
    except ApiFailure as e:
        raise Failed(f'unable to recognize "{item.source}": {e.message}\nensure CRDs are installed first') from e
    return Named(res, str(item.object.get("metadata", {}).get("name") or ""), place(session, res, item.object))


def named(session: Session, args: list[str]) -> list[Named]:
    """What the words name; kinds without a name stand for all of them. Raises Failed, BadUsage."""
    if from_files(session):
        return [of_manifest(session, item) for item in manifests(session)]
    if not args:
        raise BadUsage(
            'You must specify the type of resource to get. Use "oc api-resources" for a list of supported resources.'
        )
    everywhere = session.words.yes("all-namespaces")
    if any("/" in word for word in args):
        found = []
        for word in args:
            kind, slash, name = word.partition("/")
            if not slash or not name or not kind:
                raise BadUsage(
                    "there is no need to specify a resource type as a separate argument when passing "
                    "arguments in resource/name form (e.g. 'oc get resource/<resource_name>' instead of "
                    "'oc get resource resource/<resource_name>'"
                )
            res = resource(session, kind)
            found.append(Named(res, name, place(session, res)))
        return found
    kinds = list(_kinds(session, args[0]))
    names = args[1:]
    if names and everywhere:
        raise BadUsage("a resource cannot be retrieved by name across all namespaces")
    if names:
        return [Named(res, name, place(session, res)) for res in kinds for name in names]
    return [Named(res, "", None if everywhere else place(session, res)) for res in kinds]


def chosen(session: Session, args: list[str], *, verb: str) -> list[Named]:
    """Like `named`, with kinds filled in by -l, --field-selector or --all. Raises Failed, BadUsage, ApiFailure."""
    words = session.words
    found: list[Named] = []
    for one in named(session, args):
        if one.name:
            found.append(one)
        elif words.text("selector") or words.text("field-selector") or words.yes("all"):
            found += [
                Named(one.resource, obj["metadata"]["name"], obj["metadata"].get("namespace"))
                for obj in listed(session, one)
            ]
        else:
            raise BadUsage(f"resource(s) were provided, but no name was specified for {verb}: give names, -l or --all")
    return found


def listed(session: Session, one: Named) -> list[Object]:
    """The objects of a kind by the command's selectors. Raises ApiFailure."""
    answer = session.client.http.request("GET", one.resource.path(one.namespace), query=selectors(session))
    return [{"apiVersion": one.resource.api_version, "kind": one.resource.kind, **obj} for obj in answer["items"]]


def selectors(session: Session) -> dict[str, str]:
    """The query of -l and --field-selector."""
    query = {"labelSelector": session.words.text("selector"), "fieldSelector": session.words.text("field-selector")}
    return {key: value for key, value in query.items() if value}


def _kinds(session: Session, words: str) -> Iterator[Resource]:
    for word in words.split(","):
        if word == "all":
            yield from (one for one in session.client.resources if "all" in one.categories)
        else:
            yield resource(session, word)

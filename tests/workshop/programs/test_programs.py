"""How programs are found and fetched: PATH, the distribution's package, the release archive, the cache."""

from __future__ import annotations

import functools
import hashlib
import http.server
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest

from tests.kit import until
from workshop.errors import SetupError
from workshop.programs import PACKAGES, Package, Program, Release, find, require
from workshop.programs.fetch import SOURCES, Source, ensure
from workshop.programs.find import cache_folder, in_cache
from workshop.programs.release import this_platform

KIT = Path(__file__).resolve().parents[3]
SYSTEM = "/usr/bin:/bin"
needs_apt = pytest.mark.skipif(
    not (shutil.which("apt-get") and shutil.which("dpkg-deb")), reason="this is not Debian or Ubuntu"
)


def _script(version: str) -> bytes:
    return f"#!/bin/sh\necho 'tool, version {version} (branch: HEAD)'\n".encode()


def _programs(folder: Path, version: str, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(_script(version))
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, on a machine that has no Prometheus: PATH shows only the tools that fetch."""
    folder = tmp_path / "cache"
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    for tool in ("apt-get", "dpkg-deb", "sh", "tar", "rm"):
        if found := shutil.which(tool, path=SYSTEM):
            (bin_ / tool).symlink_to(found)
    monkeypatch.setenv("WORKSHOP_CACHE", str(folder))
    monkeypatch.setenv("PATH", str(bin_))
    return folder


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that a server on loopback serves in the place of GitHub."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        monkeypatch.setenv("WORKSHOP_RELEASES_URL", f"http://127.0.0.1:{server.server_port}")
        yield folder
        server.shutdown()


def _released(mirror: Path, package: Package, version: str, *names: str) -> Package:
    """Publish an archive; the package that pins it."""
    name = f"{package.name}-{version}.{this_platform()}"
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for file in names:
            info = tarfile.TarInfo(f"{name}/{file}")
            content = _script(version)
            info.size, info.mode = len(content), 0o755
            tar.addfile(info, BytesIO(content))
    folder = mirror / "prometheus" / package.name / "releases" / "download" / f"v{version}"
    folder.mkdir(parents=True)
    (folder / f"{name}.tar.gz").write_bytes(buffer.getvalue())
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    return replace(package, release=Release(version, {this_platform(): digest}))


RELEASE = [source for source in SOURCES if source.title == "the official release archive"]
DISTRIBUTION = [source for source in SOURCES if source not in RELEASE]
PROMETHEUS = PACKAGES["prometheus"]


def test_a_program_on_path_is_used_when_it_is_new_enough(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = _programs(tmp_path / "new", "2.42.0+ds", "prometheus", "promtool")
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    found = require("promtool")
    assert (found.path, found.version, found.origin) == (folder / "promtool", "2.42.0", "PATH")
    assert ensure(PROMETHEUS, sources=())["prometheus"].path == folder / "prometheus"
    assert not cache.exists(), "nothing had to be fetched"


@pytest.mark.parametrize("names", [("prometheus",), ("prometheus", "promtool")])
def test_an_old_or_incomplete_one_on_path_is_not_used(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]
) -> None:
    version = "2.31.2" if len(names) == 2 else "3.11.3"
    monkeypatch.setenv("PATH", str(_programs(tmp_path / "other", version, *names)), prepend=os.pathsep)
    assert find("prometheus") is None
    with pytest.raises(SetupError, match=r"no prometheus 2\.42 or newer on this machine\n  make setup"):
        require("prometheus")


def test_the_release_archive_is_unpacked_once_and_kept(cache: Path, mirror: Path) -> None:
    package = _released(mirror, PROMETHEUS, "3.11.3", "prometheus", "promtool", "LICENSE", "prometheus.yml")
    assert set(ensure(package, RELEASE)) == {"prometheus", "promtool"}
    shutil.rmtree(mirror)
    again = ensure(package, RELEASE)
    assert again["promtool"].path.is_relative_to(cache)
    assert again["promtool"].origin == "the official release archive"
    assert subprocess.run([again["promtool"].path], capture_output=True).stdout.startswith(b"tool, version 3.11.3")
    kept = sorted(path.name for path in (cache / "programs" / "prometheus-3.11.3").iterdir())
    assert kept == ["LICENSE", "bin", "installed.json"]


def test_an_archive_with_another_digest_is_refused_and_leaves_nothing(cache: Path, mirror: Path) -> None:
    package = _released(mirror, PROMETHEUS, "3.11.3", "prometheus", "promtool")
    wrong = replace(package, release=Release("3.11.3", {this_platform(): "0" * 64}))
    with pytest.raises(SetupError, match=f"pinned is {'0' * 64}"):
        ensure(wrong, RELEASE)
    assert [path.name for path in (cache / "programs").iterdir()] == ["lock"]


def test_an_archive_without_one_of_the_programs_is_refused(cache: Path, mirror: Path) -> None:
    package = _released(mirror, PROMETHEUS, "3.11.3", "prometheus")
    with pytest.raises(SetupError, match="prometheus, promtool are not all in it"):
        ensure(package, RELEASE)
    assert find("prometheus") is None


def test_each_platform_of_a_release_has_a_digest() -> None:
    platforms = {f"{system}-{machine}" for system in ("darwin", "linux") for machine in ("amd64", "arm64")}
    for package in PACKAGES.values():
        assert package.release is None or set(package.release.sha256) == platforms
        for digest in package.release.sha256.values() if package.release else ():
            assert len(bytes.fromhex(digest)) == 32


def test_one_error_names_every_reason_and_the_command_to_type(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("WORKSHOP_RELEASES_URL", "http://127.0.0.1:9")
    with pytest.raises(SetupError) as e:
        ensure(PROMETHEUS)
    lines = str(e.value).splitlines()
    assert lines[0] == "prometheus 2.42 or newer is not on PATH and cannot be fetched"
    assert lines[1] == "    the distribution's package: this is not Debian or Ubuntu"
    assert "127.0.0.1:9/prometheus/prometheus/releases" in lines[2] and "refused" in lines[2]
    assert lines[3].endswith("then make setup")
    assert len(lines) == 4


# -- the distribution's package: a repository of our own in the place of Debian's


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An apt repository in a folder, and apt configured to know it alone. Its lists have not been fetched."""
    folder = tmp_path / "repository"
    folder.mkdir()
    sources = tmp_path / "sources.list"
    sources.write_text(f"deb [trusted=yes] copy:{folder} ./\n")
    empty = tmp_path / "empty"
    empty.mkdir()
    config = tmp_path / "apt.conf"
    config.write_text(
        f'Dir::Etc::SourceList "{sources}";\nDir::Etc::SourceParts "{empty}";\nDir::Etc::Parts "{empty}";\n'
    )
    monkeypatch.setenv("APT_CONFIG", str(config))
    return folder


def _packaged(repository: Path, name: str, version: str, depends: str, *names: str) -> None:
    tree = repository.parent / f"tree-{name}"
    _programs(tree / "usr" / "bin", version, *names)
    (tree / "DEBIAN").mkdir()
    machine = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, env={"PATH": SYSTEM})
    control = (
        f"Package: {name}\nVersion: {version}\nArchitecture: {machine.stdout.strip()}\nMaintainer: T <t@example.com>\n"
        f"Description: a test\n" + (f"Depends: {depends}\n" if depends else "")
    )
    (tree / "DEBIAN" / "control").write_text(control)
    archive = repository / f"{name}.deb"
    subprocess.run(["dpkg-deb", "-b", "--root-owner-group", str(tree), str(archive)], check=True, capture_output=True)
    content = archive.read_bytes()
    with (repository / "Packages").open("a") as file:
        file.write(
            f"{control}Filename: ./{archive.name}\nSize: {len(content)}\n"
            f"SHA256: {hashlib.sha256(content).hexdigest()}\n\n"
        )


@needs_apt
def test_the_distributions_package_is_unpacked_with_what_it_needs(cache: Path, repository: Path) -> None:
    package = replace(PROMETHEUS, debian="kit-test-prometheus")
    _packaged(repository, "kit-test-prometheus", "2.45.0", "kit-test-needed", "prometheus", "promtool")
    _packaged(repository, "kit-test-needed", "1.0", "", "kit-test-helper")
    found = ensure(package, DISTRIBUTION)["prometheus"]
    assert (found.version, found.origin) == ("2.45.0", "the distribution's package")
    assert found.root is not None and (found.root / "usr" / "bin" / "kit-test-helper").exists()
    assert sorted(path.name for path in (cache / "programs").iterdir()) == ["lock", "prometheus-2.45.0"]


@needs_apt
def test_a_folder_that_the_binary_names_is_read_below_the_working_directory(
    cache: Path, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fixed = "/usr/share/kit-tests0/templates"
    package = replace(PROMETHEUS, debian="kit-test-prometheus", fixed=fixed)
    tree = repository.parent / "tree-kit-test-prometheus"
    (tree / fixed[1:]).mkdir(parents=True)
    (tree / fixed[1:] / "text").write_text("the templates")
    monkeypatch.setattr(
        sys.modules[__name__],
        "_script",
        lambda version: f"""#!/bin/sh
echo "tool, version {version} $(/bin/cat {fixed}/text 2>/dev/null)"
""".encode(),
    )
    _packaged(repository, "kit-test-prometheus", "2.45.0", "", "prometheus", "promtool")
    found = ensure(package, DISTRIBUTION)["prometheus"]
    for link, target in found.links.items():
        (tmp_path / link).parent.mkdir()
        (tmp_path / link).symlink_to(target)
    done = subprocess.run([found.path], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "tool, version 2.45.0 the templates\n"


@needs_apt
def test_a_folder_of_the_cache_that_an_older_kit_did_not_relocate_is_fetched_again(
    cache: Path, repository: Path
) -> None:
    package = replace(PROMETHEUS, debian="kit-test-prometheus")
    _packaged(repository, "kit-test-prometheus", "2.45.0", "", "prometheus", "promtool")
    ensure(package, DISTRIBUTION)
    again = replace(package, fixed="/usr/share/kit-tests0/templates")
    assert in_cache(again, cache) == {} and in_cache(package, cache)
    assert ensure(again, DISTRIBUTION)["prometheus"].fixed == again.fixed


def test_files_that_a_package_expects_below_usr_share_are_named_unless_the_machine_has_them(tmp_path: Path) -> None:
    for name in ("kit-test/page.css", "doc/kit-test/README", "doc/bash/README"):
        file = tmp_path / "usr" / "share" / name
        file.parent.mkdir(parents=True)
        file.touch()
    Path("/usr/share/doc/bash").stat()  # a machine without it would be no test
    share = tmp_path / "usr" / "share"
    program = Program("p", tmp_path / "p", "1.0", "a package", root=tmp_path)
    assert program.shared == {
        "/usr/share/kit-test": share / "kit-test",
        "/usr/share/doc/kit-test": share / "doc" / "kit-test",
    }
    assert replace(program, root=None).shared == {}


@needs_apt
def test_an_old_package_of_the_distribution_gives_way_to_the_release(
    cache: Path, repository: Path, mirror: Path
) -> None:
    _packaged(repository, "kit-test-prometheus", "2.31.2", "", "prometheus", "promtool")
    package = _released(mirror, PROMETHEUS, "3.11.3", "prometheus", "promtool")
    package = replace(package, debian="kit-test-prometheus")
    assert ensure(package)["prometheus"].origin == "the official release archive"
    shutil.rmtree(cache)
    with pytest.raises(SetupError, match=r"it has version 2\.31\.2, needed is 2\.42 or newer"):
        ensure(package, DISTRIBUTION)


# -- interrupted, full, at the same time

SLOW = """
import sys, time
from pathlib import Path
from dataclasses import replace
from workshop.programs import PACKAGES
from workshop.programs.fetch import Source, ensure

def fetch(package, into):
    (into / "bin").mkdir()
    with Path(sys.argv[1]).open("a") as log:
        log.write("fetched\\n")
    for name in package.programs:
        time.sleep(float(sys.argv[2]))
        file = into / "bin" / name
        file.write_text("#!/bin/sh\\necho version 3.0.0\\n")
        file.chmod(0o755)

ensure(PACKAGES["prometheus"], [Source("a slow source", fetch, ("bin",), tree=False)])
"""


def _slowly(log: Path, seconds: float) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", SLOW, str(log), str(seconds)], cwd=KIT, stderr=subprocess.DEVNULL)


def test_a_fetch_that_is_killed_leaves_nothing_that_is_used_and_the_next_one_succeeds(
    cache: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    process = _slowly(log, 30)
    until(log.exists)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert find("prometheus") is None
    assert _slowly(log, 0).wait() == 0
    assert require("prometheus").version == "3.0.0"
    assert not list((cache / "programs").glob(".partial-*"))


def test_two_that_fetch_at_the_same_time_fetch_once(cache: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    both = [_slowly(log, 0.3) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert log.read_text() == "fetched\n"


def test_a_full_disk_is_an_error_and_leaves_nothing(cache: Path) -> None:
    def fetch(package: Package, into: Path) -> None:
        (into / "half").write_text("half")
        with Path("/dev/full").open("w") as file:
            file.write("x" * 100_000)

    with pytest.raises(SetupError, match=f"prometheus cannot be kept in {cache}: No space left on device"):
        ensure(PROMETHEUS, [Source("a source", fetch, ("bin",), tree=False)])
    assert [path.name for path in (cache / "programs").iterdir()] == ["lock"]


def test_the_cache_is_the_users_and_can_be_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORKSHOP_CACHE", raising=False)
    monkeypatch.setenv("HOME", "/home/u")
    assert cache_folder() == Path("/home/u/.cache/openshift-mlops-workshop")
    monkeypatch.setenv("XDG_CACHE_HOME", "/fast")
    assert cache_folder() == Path("/fast/openshift-mlops-workshop")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_folder() == Path("/home/u/.cache/openshift-mlops-workshop")
    monkeypatch.setenv("WORKSHOP_CACHE", "/shared/kit")
    assert cache_folder() == Path("/shared/kit")

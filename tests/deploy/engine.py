"""A container engine for tests: podman with its own storage, called as people call docker.

On machines where a test itself is confined, containers get no control groups and no limits above
its own. All calls share one mount namespace, in which the mixed version 2 hierarchy of control
groups that some machines have, and the runtime does not take, is out of sight.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

BASE, IMAGE = "localhost/debian:13", "localhost/packyard"
_ROOT = Path(__file__).parents[2]
_CONFIGURATION = """\
[containers]
cgroups = "disabled"
default_ulimits = ["nofile={files}:{files}", "nproc={processes}:{processes}"]
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "crun"
"""
_STORAGE = """\
[storage]
driver = "vfs"
graphroot = "{folder}/images"
runroot = "{folder}/run"
"""
_SCRIPT = """\
#!/bin/sh
export CONTAINERS_CONF={folder}/containers.conf CONTAINERS_STORAGE_CONF={folder}/storage.conf
export BUILDAH_ISOLATION=chroot
[ "$1" = build ] && shift && set -- build --quiet --format docker {build} "$@"
exec nsenter --target {namespace} --mount --wd="$PWD" -- podman "$@"
"""
_WHERE_PACKAGES_COME_FROM = {"pip": "/etc/pip.conf", "ca": "/etc/ssl/certs/ca-certificates.crt"}
_MOST = 20_000
_HIDE = "umount /sys/fs/cgroup/unified 2>/dev/null; echo ready; exec sleep infinity"


@dataclass(frozen=True, slots=True)
class Engine:
    """`program` is a script that does what `docker` does."""

    program: Path

    def __call__(self, *words: str | Path, check: bool = True) -> str:
        """What it prints; with its messages where it may fail."""
        done = subprocess.run(
            [self.program, *words], capture_output=True, text=True, timeout=1800, check=False
        )
        assert not check or done.returncode == 0, f"{words}: {done.stderr}"
        return (done.stdout if check else done.stdout + done.stderr).strip()


@contextmanager
def with_image(folder: Path) -> Iterator[Engine]:
    """An engine with the image in it, on a base of Debian's packages, all in `folder`; packages
    come from where this machine's own do. All that is in the engine goes at the end."""
    _configure(folder)
    with subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", _HIDE], stdout=subprocess.PIPE
    ) as namespace:
        assert namespace.stdout
        namespace.stdout.readline()
        engine = Engine(_program(folder, namespace.pid))
        try:
            base = _ROOT / "deploy/base"
            subprocess.run([base, BASE], env=_environment(folder), check=True, capture_output=True)
            engine("build", "-f", _ROOT / "deploy/Containerfile", "-t", IMAGE, _ROOT)
            yield engine
        finally:
            engine("rm", "--all", "--force", "--time", "5", check=False)
            engine("rmi", "--all", "--force", check=False)
            namespace.kill()
            shutil.rmtree(folder / "images", ignore_errors=True)


def _configure(folder: Path) -> None:
    limits = (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC)
    # Podman lowers its own, and who may not raise limits cannot go back.
    files, processes = (min(resource.getrlimit(limit)[1], _MOST) for limit in limits)
    settings = _CONFIGURATION.format(files=files, processes=processes)
    (folder / "containers.conf").write_text(settings)
    (folder / "storage.conf").write_text(_STORAGE.format(folder=folder))


def _program(folder: Path, namespace: int) -> Path:
    secrets = [pair for pair in _WHERE_PACKAGES_COME_FROM.items() if Path(pair[1]).exists()]
    given = [f"--secret id={name},src={path}" for name, path in secrets]
    build = " ".join([f"--build-arg BASE_IMAGE={BASE}", *given])
    program = folder / "bin" / "docker"
    program.parent.mkdir()
    program.write_text(_SCRIPT.format(folder=folder, build=build, namespace=namespace))
    program.chmod(0o755)
    return program


def _environment(folder: Path) -> Mapping[str, str]:
    """For programs that use the same storage, such as buildah."""
    return {
        **os.environ,
        "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
        "BUILDAH_ISOLATION": "chroot",
    }

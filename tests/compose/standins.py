"""The images that ours are built on: pulled where a registry answers, else made here out of Debian's packages under the same names."""

import contextlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.compose.engine import docker, say

HERE = Path(__file__).parent / "standins"
DEBIAN = "groundup-standin-debian"
BASES = {
    "python:3.11-slim-bookworm": "python",
    "node:24-bookworm-slim": "node",
    "nginx:1.28-bookworm": "nginx",
    "redis:7.2-bookworm": "redis",
    "postgres:15-bookworm": "postgres",
}
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


def provide_bases() -> list[str]:
    """Every base image is there afterwards; returns those that are stand-ins. One of an earlier time gives way to the real image."""
    made, answers = [], True
    for image, dockerfile in BASES.items():
        if exists(image) and not is_standin(image):
            continue
        answers = answers and pulled(image)
        if answers:
            continue
        if not exists(image):
            make(image, dockerfile)
        made.append(image)
    return made


def remove_standins() -> None:
    """From an engine that others use too, where nobody should build on them by mistake."""
    for image in (*BASES, DEBIAN):
        if exists(image) and is_standin(image):
            docker("rmi", "--force", image)


def exists(image: str) -> bool:
    return bool(docker("images", "--quiet", image))


def pulled(image: str) -> bool:
    """Whether a registry has it."""
    say(f"pulling {image}")
    return subprocess.run(["docker", "pull", "--quiet", image], capture_output=True, timeout=600, check=False).returncode == 0


def is_standin(image: str) -> bool:
    return docker("inspect", "--format", '{{index .Config.Labels "groundup.standin"}}', image) == "yes"


def make(image: str, dockerfile: str) -> None:
    if not exists(DEBIAN):
        make_debian()
    say(f"no registry answers: making a stand-in for {image}")
    build = ["build", "--quiet", "--network", "host", "--label", "groundup.standin=yes", "--tag", image]
    docker(*build, "--file", str(HERE / f"{dockerfile}.Dockerfile"), str(HERE))


def make_debian() -> None:
    """A minimal Debian that reaches package registries the way this machine does: its certificates, pip's settings and local wheels."""
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        sys.exit("no registry answers, and stand-ins for the base images need root and debootstrap:  sudo apt-get install debootstrap")
    say("no registry answers: making a minimal Debian to stand in for the base images")
    with tempfile.TemporaryDirectory(prefix="groundup-debian-") as name:
        root = Path(name) / "root"
        command = ["debootstrap", "--variant=minbase", "--include=ca-certificates", "bookworm", str(root), debian_mirror()]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        shutil.rmtree(root / "var/cache/apt/archives")
        if CERTIFICATES.exists():
            shutil.copy(CERTIFICATES, root / CERTIFICATES.relative_to("/"))
        bring_pip_settings(root)
        import_root(root)


def debian_mirror() -> str:
    """As this machine uses it."""
    lists = [Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*")]
    text = "\n".join(file.read_text() for file in lists if file.suffix in {".list", ".sources"} and file.exists())
    found = re.search(r"^(?:URIs:|deb(?: \[.*\])?)\s+(https?://\S*/debian/?)(?:\s|$)", text, re.MULTILINE)
    return found[1] if found else "https://deb.debian.org/debian"


def bring_pip_settings(root: Path) -> None:
    listed = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True).stdout
    settings = dict(re.findall(r"^(?:global|user|:env:)\.([a-z-]+)='(.*)'$", listed, re.MULTILINE))
    kept = {key: value for key, value in settings.items() if key in {"cert", "index-url", "find-links", "trusted-host", "proxy"}}
    (root / "etc/pip.conf").write_text("[global]\n" + "".join(f"{key} = {value}\n" for key, value in kept.items()))
    for wheels in map(Path, kept.get("find-links", "").split()):
        if wheels.is_dir():
            shutil.copytree(wheels, root / wheels.relative_to("/"))


def import_root(root: Path) -> None:
    certificates = [f"{name}={CERTIFICATES}" for name in ("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE")]
    changes = [f"--change=ENV {setting}" for setting in certificates if CERTIFICATES.exists()]
    with tar(root) as archive:
        docker("import", "--platform", f"linux/{architecture()}", *changes, "--change=LABEL groundup.standin=yes", str(archive), DEBIAN)


def architecture() -> str:
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


@contextlib.contextmanager
def tar(root: Path) -> Iterator[Path]:
    archive = root.parent / "root.tar"
    subprocess.run(["tar", "--numeric-owner", "-C", str(root), "-cf", str(archive), "."], check=True)
    yield archive

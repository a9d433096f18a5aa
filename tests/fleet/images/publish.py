#!/usr/bin/env python3
"""Builds the images that deploy tests use and publishes them to the fleet's registry.

There is no docker daemon on this machine and nowhere to pull from, so images are
put together by hand: one layer as a tar file, a configuration and a manifest,
pushed over the registry's HTTP API. Layers are built once per recipe and are the
same to the byte each time, and what the registry already holds is not sent again.
"""

import fcntl
import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
FLEET_DIR = Path(os.environ.get("FLEET_DIR") or Path.home() / ".cache/flightdeck-fleet")

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


def hello_root(target: Path) -> None:
    """One static program; the images differ only in the command."""
    subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-s", "-o", target / "hello",
                    HERE / "hello/hello.c"], check=True)


def haproxy_root(target: Path) -> None:
    subprocess.run([HERE / "haproxy/rootfs.sh", target], check=True)


def hello(mode: str, version: str) -> dict:
    return {
        "Entrypoint": ["/hello"],
        "Cmd": [mode, version],
        "ExposedPorts": {"8080/tcp": {}},
        "User": "65534:65534",
        "Labels": {"org.opencontainers.image.version": version},
    }


HAPROXY = {
    "Entrypoint": ["docker-entrypoint.sh"],
    "Cmd": ["haproxy", "-f", "/usr/local/etc/haproxy/haproxy.cfg"],
    "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
    "User": "haproxy",
    "WorkingDir": "/var/lib/haproxy",
    # The official image's: finish what is running, then end.
    "StopSignal": "SIGUSR1",
}

LAYERS = {"hello": hello_root, "haproxy": haproxy_root}
# Name and tag, the layer that it consists of, what it runs.
IMAGES = [
    ("hello", "v1", "hello", hello("serve", "v1")),
    ("hello", "v2", "hello", hello("serve", "v2")),
    ("hello", "sick", "hello", hello("sick", "sick")),
    ("hello", "broken", "hello", hello("broken", "broken")),
    ("haproxy", "2.6", "haproxy", HAPROXY),
]


def digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def layer_tar(name: str) -> bytes:
    """The layer's tar file, compressed, from the cache or freshly built."""
    recipe = hashlib.sha256(Path(__file__).read_bytes())
    for source in sorted((HERE / name).iterdir()):
        recipe.update(source.name.encode() + b"\0" + source.read_bytes())
    cached = FLEET_DIR / "images" / f"{name}-{recipe.hexdigest()[:16]}.tar.gz"
    if cached.exists():
        return cached.read_bytes()

    with tempfile.TemporaryDirectory(prefix="fleet-image-") as root:
        os.chmod(root, 0o755)
        LAYERS[name](Path(root))
        content = gzip.compress(reproducible_tar(Path(root)), mtime=0)
    cached.parent.mkdir(parents=True, exist_ok=True)
    for stale in cached.parent.glob(f"{name}-*.tar.gz"):
        stale.unlink()
    unfinished = cached.with_suffix(".new")
    unfinished.write_bytes(content)
    unfinished.rename(cached)
    return content


def reproducible_tar(root: Path) -> bytes:
    """All of `root`, in order of name and without times, so that equal content gives equal bytes."""

    def timeless(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.mtime = 0
        entry.uname = entry.gname = ""
        return entry

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for path in sorted(root.rglob("*")):
            tar.add(path, arcname=str(path.relative_to(root)), recursive=False, filter=timeless)
    return buffer.getvalue()


class Registry:
    """The push half of the registry's HTTP API, version 2."""

    def __init__(self, url: str):
        self.url = url

    def call(self, method: str, path: str, body: bytes | None = None, **headers: str):
        url = urllib.parse.urljoin(self.url, path)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(url, data=body, method=method, headers=headers)
        # Never through a proxy: the registry is on this machine.
        return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60)

    def holds(self, path: str, wanted: str) -> bool:
        try:
            with self.call("HEAD", path, Accept=MANIFEST) as answer:
                return answer.headers["Docker-Content-Digest"] == wanted
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return False
            raise

    def push_blob(self, name: str, content: bytes) -> None:
        wanted = digest(content)
        if self.holds(f"/v2/{name}/blobs/{wanted}", wanted):
            return
        with self.call("POST", f"/v2/{name}/blobs/uploads/", b"") as answer:
            location = answer.headers["Location"]
        separator = "&" if "?" in location else "?"
        self.call("PUT", f"{location}{separator}digest={wanted}", content,
                  Content_Type="application/octet-stream").close()

    def push_image(self, name: str, tag: str, layer: bytes, runs: dict) -> bool:
        """Makes `name:tag` be this image; false when it already was."""
        config = json.dumps({
            "architecture": "amd64",
            "os": "linux",
            "created": "1970-01-01T00:00:00Z",
            "config": runs,
            "rootfs": {"type": "layers", "diff_ids": [digest(gzip.decompress(layer))]},
        }).encode()
        manifest = json.dumps({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "size": len(config), "digest": digest(config)},
            "layers": [{"mediaType": LAYER, "size": len(layer), "digest": digest(layer)}],
        }).encode()
        if self.holds(f"/v2/{name}/manifests/{tag}", digest(manifest)):
            return False
        self.push_blob(name, layer)
        self.push_blob(name, config)
        self.call("PUT", f"/v2/{name}/manifests/{tag}", manifest, Content_Type=MANIFEST).close()
        return True


def main() -> int:
    url = subprocess.run([HERE.parent / "registry.sh", "url"], check=True, capture_output=True, text=True)
    registry = Registry(url.stdout.strip())
    try:
        registry.call("GET", "/v2/").close()
    except OSError as error:
        print(f"publish: the registry does not answer: {error}; run `registry.sh up`", file=sys.stderr)
        return 1

    (FLEET_DIR / "locks").mkdir(parents=True, exist_ok=True)
    with open(FLEET_DIR / "locks/images", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name, tag, layer_name, runs in IMAGES:
            started = time.monotonic()
            layer = layer_tar(layer_name)
            state = "published" if registry.push_image(name, tag, layer, runs) else "already there"
            print(f"{name}:{tag}\t{len(layer) / 1e6:.1f} MB\t{state}\t{time.monotonic() - started:.2f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())

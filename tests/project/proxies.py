"""Proxies as the configurations in `deploy` have them, but for ports and certificates."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.http.service import eventually
from tests.project.files import read

HOSTS = ("10.0.0.1:8000", "10.0.0.2:8000")


def certificate(folder: Path) -> dict[str, str]:
    """Make a certificate of this host; gives where its parts are, by what the configurations call them."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    of_key = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    of_certificate = made.public_bytes(Encoding.PEM)
    parts = {"key": of_key, "crt": of_certificate, "pem": of_certificate + of_key}
    for end, content in parts.items():
        (folder / f"roundbook.{end}").write_bytes(content)
    return {
        "/etc/haproxy/roundbook.pem": f"{folder}/roundbook.pem",
        "/etc/nginx/roundbook.crt": f"{folder}/roundbook.crt",
        "/etc/nginx/roundbook.key": f"{folder}/roundbook.key",
        "/run/nginx.pid": f"{folder}/nginx.pid",
    }


def configuration(name: str, folder: Path, places: Mapping[str, str]) -> Path:
    """Write a configuration of `deploy` with other places, each of which it must name."""
    text = read(f"deploy/{name}")
    for place, other in places.items():
        assert place in text, place
        text = text.replace(place, other)
    path = folder / name
    path.write_text(text)
    return path


def program(name: str) -> str:
    """Where a program is; some are not where every user looks."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    assert found is not None, name
    return found


def checked(name: str, *arguments: str | Path) -> None:
    """Run a program that checks something: it must find nothing."""
    command = [program(name), *arguments]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@contextmanager
def haproxy(folder: Path, addresses: Sequence[tuple[str, int]]) -> Iterator[str]:
    """Run HAProxy before services; gives its URL. It ends with the block."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        places = certificate(folder)
        named = {
            "/etc/haproxy/roundbook.pem": places["/etc/haproxy/roundbook.pem"],
            "bind :443": f"bind fd@{listener.fileno()}",
            **{
                known: f"{host}:{port}"
                for known, (host, port) in zip(HOSTS, addresses, strict=True)
            },
        }
        path = configuration("haproxy.cfg", folder, named)
        with (folder / "haproxy.log").open("wb") as log:
            process = subprocess.Popen(
                [program("haproxy"), "-db", "-f", path],
                pass_fds=[listener.fileno()],
                stdout=log,
                stderr=log,
            )
        try:
            url = f"https://127.0.0.1:{listener.getsockname()[1]}"
            eventually(lambda: _answers(url))
            yield url
        finally:
            process.terminate()
            process.wait(60)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url + "/health/live", verify=False, timeout=5).status_code == 404
    except httpx.TransportError:
        return False

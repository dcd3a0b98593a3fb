"""Webhooks over HTTPS: the certificate must be of the name in the URL, though an address is connected to."""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.tenants import Tenant
from postgres.connections import Pool
from tests.http.service import eventually
from tests.recording.sending import logins, send
from tests.relay.conftest import Relaying, Subscribed
from tests.relay.receiver import Receiver


def certificate(folder: Path, host: str) -> Path:
    """A certificate of a host that is its own authority, with its key, in a file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"of {host}")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{host}.pem"
    file.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return file


@pytest.mark.parametrize(
    ("host", "is_trusted", "why"),
    [
        ("localhost", True, None),
        ("elsewhere.example", True, "certificate verify failed"),
        ("localhost", False, "certificate verify failed"),
    ],
)
def test_who_is_not_who_the_url_names_gets_nothing(
    pool: Pool,
    tenant: Tenant,
    relaying: Relaying,
    subscribe: Callable[..., Subscribed],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    host: str,
    is_trusted: bool,
    why: str | None,
) -> None:
    file = certificate(tmp_path, host)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    if is_trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
    send(pool, tenant, logins(["a"]))
    with Receiver(tls=context) as receiver:
        subscribed = subscribe(receiver, url=receiver.url_by_name)
        with relaying():
            if why is None:
                eventually(subscribed.is_level)
            else:
                eventually(lambda: subscribed.now().failures > 0)
                assert why in (subscribed.now().failure or "").lower()
        assert len(receiver.received) == (why is None)
        for got in receiver.received:
            assert got.headers["host"] == receiver.url_by_name.split("/")[2]

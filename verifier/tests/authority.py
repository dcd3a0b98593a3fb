"""An authority of time stamps for tests: RFC 3161 tokens, encoded by hand."""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

WHEN = datetime(2025, 1, 16, 4, 5, 6, tzinfo=UTC)


def der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + body


def oid(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    body = bytearray([first * 40 + second])
    for arc in rest:
        septets = [arc & 0x7F]
        while arc := arc >> 7:
            septets.append(arc & 0x7F | 0x80)
        body += bytes(reversed(septets))
    return der(6, bytes(body))


def sequence(*parts: bytes) -> bytes:
    return der(0x30, *parts)


SHA256 = sequence(oid("2.16.840.1.101.3.4.2.1"), der(5))
TST_INFO, SIGNED_DATA = oid("1.2.840.113549.1.9.16.1.4"), oid("1.2.840.113549.1.7.2")


def key(kind: str = "ec") -> Any:
    return ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else rsa.generate_private_key(65537, 2048)


def certificate(
    name: str, private: Any, issuer: "tuple[x509.Certificate, Any] | None" = None, *, ca: bool, **changes: Any
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(changes.get("before", WHEN - timedelta(days=100)))
        .not_valid_after(changes.get("after", WHEN + timedelta(days=100)))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    usage = changes.get("usage", None if ca else ExtendedKeyUsageOID.TIME_STAMPING)
    if usage:
        builder = builder.add_extension(
            x509.ExtendedKeyUsage([usage]), critical=changes.get("critical", True)
        )
    return builder.sign(issuer[1] if issuer else private, hashes.SHA256())


@dataclass
class Authority:
    """A root, a certificate between, and one that signs."""

    kind: str = "ec"
    changes: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        root_key, between_key, self.key = key(), key(), key(self.kind)
        self.root = certificate("root", root_key, ca=True)
        self.between = certificate("between", between_key, (self.root, root_key), ca=True)
        self.signer = certificate("signer", self.key, (self.between, between_key), ca=False, **self.changes)

    @property
    def pem(self) -> bytes:
        return self.root.public_bytes(serialization.Encoding.PEM)

    def stamp(
        self, text: bytes, *, given: bool = True, status: int = 0, signed: bytes | None = None
    ) -> bytes:
        imprint = sequence(SHA256, der(4, hashlib.sha256(text).digest()))
        moment = der(0x18, WHEN.strftime("%Y%m%d%H%M%SZ").encode())
        info = sequence(der(2, b"\1"), oid("1.3.6.1.4.1.99999.1"), imprint, der(2, b"\5"), moment)
        mark = self.signer.fingerprint(hashes.SHA256())
        ess = sequence(sequence(sequence(der(4, mark))))
        attributes = sorted(
            [
                sequence(oid("1.2.840.113549.1.9.3"), der(0x31, TST_INFO)),
                sequence(
                    oid("1.2.840.113549.1.9.4"), der(0x31, der(4, hashlib.sha256(signed or info).digest()))
                ),
                sequence(oid("1.2.840.113549.1.9.16.2.47"), der(0x31, ess)),
            ]
        )
        message = der(0x31, *attributes)
        if self.kind == "ec":
            algorithm = sequence(oid("1.2.840.10045.4.3.2"))
            signature = self.key.sign(message, ec.ECDSA(hashes.SHA256()))
        else:
            algorithm = sequence(oid("1.2.840.113549.1.1.11"), der(5))
            signature = self.key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        encoded = sorted(c.public_bytes(serialization.Encoding.DER) for c in (self.signer, self.between))
        issuer = self.signer.issuer.public_bytes()
        serial = self.signer.serial_number
        number = der(2, serial.to_bytes(serial.bit_length() // 8 + 1, "big"))
        signer = sequence(
            der(2, b"\1"),
            sequence(issuer, number),
            SHA256,
            der(0xA0, *attributes),
            algorithm,
            der(4, signature),
        )
        content = sequence(
            der(2, b"\3"),
            der(0x31, SHA256),
            sequence(TST_INFO, der(0xA0, der(4, info))),
            *([der(0xA0, *encoded)] if given else []),
            der(0x31, signer),
        )
        return sequence(sequence(der(2, bytes([status]))), sequence(SIGNED_DATA, der(0xA0, content)))

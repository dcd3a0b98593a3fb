"""A time stamping authority, written from RFC 3161, RFC 5652 and RFC 5816, in as much DER as that takes."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.evidence.loopback import Reply, Request

_SHA256 = "2.16.840.1.101.3.4.2.1"
_ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2"
_SIGNED_DATA = "1.2.840.113549.1.7.2"
_TST_INFO = "1.2.840.113549.1.9.16.1.4"
_CONTENT_TYPE = "1.2.840.113549.1.9.3"
_MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
_SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"
_POLICY = "1.3.6.1.4.1.99999.1"


class Asked:
    """What a request asks for, as DER: version, imprint, and whatever is there of policy, nonce, certReq."""

    def __init__(self, request: bytes) -> None:
        (_, whole), *rest = parts(request)
        assert not rest
        (_, self.version), (_, imprint), *options = parts(whole)
        self.imprint = sequence(imprint)
        (_, _), (_, self.digest) = parts(imprint)
        tagged = dict(options)
        self.nonce = tagged.get(0x02)
        self.wants_certificates = tagged.get(0x01) == b"\xff"


class Authority:
    """Stamps with a certificate that a root of its own issued. Its clock is `now`."""

    def __init__(self, now: datetime = datetime(2025, 6, 15, 15, 6, 40, tzinfo=UTC)) -> None:
        self.requests: list[Request] = []
        self.alter: Callable[[Asked], None] = lambda _: None
        """Changes what is stamped."""
        self.status = 0
        self._now = now
        root_key = ec.generate_private_key(ec.SECP256R1())
        self.root = _certificate("Root of the tests", root_key, None, root_key, now)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._certificate = _certificate("Stamps", self._key, self.root, root_key, now)

    def __call__(self, request: Request) -> Reply:
        self.requests.append(request)
        asked = Asked(request.body)
        self.alter(asked)
        if self.status not in {0, 1}:
            words = der(0x0C, b"the clock is being set")
            refused = sequence(integer(self.status), sequence(words), der(0x03, b"\x01\x00\x02"))
            return Reply(200, sequence(refused), "application/timestamp-reply")
        response = sequence(sequence(integer(self.status)), self._token(asked))
        return Reply(200, response, "application/timestamp-reply")

    def _token(self, asked: Asked) -> bytes:
        info = sequence(
            integer(1),
            oid(_POLICY),
            asked.imprint,
            integer(int.from_bytes(os.urandom(8), "big")),
            der(0x18, self._now.strftime("%Y%m%d%H%M%SZ").encode()),
            b"" if asked.nonce is None else der(0x02, asked.nonce),
        )
        certificate = self._certificate.public_bytes(Encoding.DER)
        signed = [
            _attribute(_CONTENT_TYPE, oid(_TST_INFO)),
            _attribute(_MESSAGE_DIGEST, der(0x04, sha256(info).digest())),
            _attribute(
                _SIGNING_CERTIFICATE_V2,
                sequence(sequence(sequence(der(0x04, sha256(certificate).digest())))),
            ),
        ]
        attributes = b"".join(sorted(signed))  # the order of a SET OF in DER
        signature = self._key.sign(der(0x31, attributes), ec.ECDSA(SHA256()))
        signer = sequence(
            integer(1),
            sequence(
                self._certificate.issuer.public_bytes(),
                integer(self._certificate.serial_number),
            ),
            sequence(oid(_SHA256)),
            der(0xA0, attributes),
            sequence(oid(_ECDSA_WITH_SHA256)),
            der(0x04, signature),
        )
        content = sequence(
            integer(3),
            der(0x31, sequence(oid(_SHA256))),
            sequence(oid(_TST_INFO), der(0xA0, der(0x04, info))),
            der(0xA0, certificate) if asked.wants_certificates else b"",
            der(0x31, signer),
        )
        return sequence(oid(_SIGNED_DATA), der(0xA0, content))


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    issuers_key: ec.EllipticCurvePrivateKey,
    now: datetime,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if issuer is not None:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        builder = builder.add_extension(usage, critical=True)
    return builder.sign(issuers_key, SHA256())


def _attribute(kind: str, value: bytes) -> bytes:
    return sequence(oid(kind), der(0x31, value))


def der(tag: int, content: bytes) -> bytes:
    """A value in DER: its tag, its length, itself."""
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def sequence(*values: bytes) -> bytes:
    return der(0x30, b"".join(values))


def integer(number: int) -> bytes:
    return der(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def oid(dotted: str) -> bytes:
    first, second, *others = map(int, dotted.split("."))
    content = bytearray([first * 40 + second])
    for other in others:
        septets = [other & 0x7F]
        while other := other >> 7:
            septets.append(other & 0x7F | 0x80)
        content += bytes(reversed(septets))
    return der(0x06, bytes(content))


def parts(content: bytes) -> list[tuple[int, bytes]]:
    """The tags and contents of what stands side by side."""
    found = []
    while content:
        tag, size, start = content[0], content[1], 2
        if size & 0x80:
            start += size & 0x7F
            size = int.from_bytes(content[2:start], "big")
        assert len(content) >= start + size
        found.append((tag, content[start : start + size]))
        content = content[start + size :]
    return found

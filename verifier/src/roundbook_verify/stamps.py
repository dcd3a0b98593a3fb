"""RFC 3161 time stamps: tokens (RFC 5652) are taken apart here, certificates by `cryptography`."""

import hashlib
from datetime import UTC, datetime
from typing import Any, NamedTuple

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import BasicConstraints, Certificate, ExtendedKeyUsage, load_der_x509_certificate
from cryptography.x509.oid import ExtendedKeyUsageOID

# Object identifiers in DER: SHA-2, signed data, what it holds, and two of its attributes.
_DIGESTS = {
    bytes.fromhex(f"60864801650304020{n}"): f"SHA{bits}" for n, bits in ((1, 256), (2, 384), (3, 512))
}
_PKCS = bytes.fromhex("2a864886f70d01")
_SIGNED_DATA, _STAMP, _CONTENT, _DIGEST = (
    _PKCS + end for end in (b"\7\2", b"\11\20\1\4", b"\11\3", b"\11\4")
)


class _Der(NamedTuple):
    tag: int
    body: bytes
    whole: bytes

    def parts(self) -> "list[_Der]":
        return _parse(self.body)


def _parse(data: bytes) -> list[_Der]:
    found, at = list[_Der](), 0
    while at < len(data):
        length, head = data[at + 1], at + 2
        if length & 0x80:
            head += length & 0x7F
            length = int.from_bytes(data[at + 2 : head], "big")
        if head + length > len(data):
            raise ValueError("its DER is cut short")
        found.append(_Der(data[at], data[head : head + length], data[at : head + length]))
        at = head + length
    return found


def _attempt(check: Any, *arguments: Any) -> bool:
    """Tell whether a check of the library's passes; how it says no to hostile bytes is of many kinds."""
    try:
        return check(*arguments) in (None, True)
    except Exception:  # noqa: BLE001 (as it says)
        return False


def _is_issuer(issuer: Certificate, certificate: Certificate) -> bool:
    certificate.verify_directly_issued_by(issuer)
    return issuer.extensions.get_extension_for_class(BasicConstraints).value.ca


def _has_stamped(certificate: Certificate, signature: bytes, message: bytes, digest: str) -> bool:
    usage, public = certificate.extensions.get_extension_for_class(ExtendedKeyUsage), certificate.public_key()
    by = getattr(hashes, digest)()
    if isinstance(public, rsa.RSAPublicKey):
        public.verify(signature, message, padding.PKCS1v15(), by)
    elif isinstance(public, ec.EllipticCurvePublicKey):
        public.verify(signature, message, ec.ECDSA(by))
    else:
        return False
    return usage.critical and list(usage.value) == [ExtendedKeyUsageOID.TIME_STAMPING]


def stamped_at(response: bytes, text: bytes, roots: list[Certificate]) -> datetime:
    """Return when an authority under a root saw the text. Raises ValueError with what does not hold."""
    try:
        status, token = _parse(response)[0].parts()
        kind, wrapped = token.parts()
        _, _, content, *optional, signers = wrapped.parts()[0].parts()
        content_kind, octets = content.parts()
        info = octets.parts()[0].body
        _, _, imprint, _, moment, *_ = _parse(info)[0].parts()
        (signer,) = signers.parts()
        _, _, algorithm, attributes, _, signature, *_ = signer.parts()
        signed = {
            name.body: value.parts()[0].body for name, value in (item.parts() for item in attributes.parts())
        }
        ((method, *_), digest) = imprint.parts()[0].parts(), imprint.parts()[1].body
        by = _DIGESTS[algorithm.parts()[0].body]
        when = datetime.strptime(moment.body.decode()[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        given = [
            load_der_x509_certificate(der.whole)
            for part in optional
            for der in part.parts()
            if part.tag == 0xA0
        ]
        granted = status.parts()[0].body in (b"\0", b"\1") and attributes.tag == 0xA0
        kinds = (kind.body, content_kind.body, signed[_CONTENT])
    except Exception as exception:  # noqa: BLE001 (the library says no in many ways)
        raise ValueError(f"it cannot be read: {exception!r}") from None
    if not granted or kinds != (_SIGNED_DATA, _STAMP, _STAMP):
        raise ValueError("it is no token that was granted")
    if _DIGESTS.get(method.body) != "SHA256" or digest != hashlib.sha256(text).digest():
        raise ValueError("it is of another text")
    if signed.get(_DIGEST) != hashlib.new(by, info).digest():
        raise ValueError("its content is not what is signed")
    valid = [c for c in (*roots, *given[:16]) if c.not_valid_before_utc <= when <= c.not_valid_after_utc]
    trusted, grown = list[Certificate](), [c for c in valid if c in roots]
    while grown:
        trusted += grown
        grown = [c for c in valid if c not in trusted and any(_attempt(_is_issuer, i, c) for i in trusted)]
    message = b"\x31" + attributes.whole[1:]
    if not any(_attempt(_has_stamped, c, signature.body, message, by) for c in trusted):
        raise ValueError("no certificate for time stamps, from a root of yours and valid then, has signed it")
    return when

"""RFC 3161 time stamps: the token (RFC 5652) is taken apart here, certificates and signatures by `cryptography`."""

import hashlib
from datetime import UTC, datetime
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import (
    BasicConstraints,
    Certificate,
    ExtendedKeyUsage,
    ExtensionNotFound,
    load_der_x509_certificate,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

# Object identifiers, in DER.
_DIGESTS = {
    bytes.fromhex(f"60864801650304020{n}"): name for n, name in ((1, "SHA256"), (2, "SHA384"), (3, "SHA512"))
}
_SIGNED_DATA, _TST_INFO, _CONTENT_TYPE, _MESSAGE_DIGEST = (
    bytes.fromhex("2a864886f70d01" + end) for end in ("0702", "09100104", "0903", "0904")
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


def _digest(algorithm: _Der) -> str:
    return _DIGESTS[algorithm.parts()[0].body]


def _issued(certificate: Certificate, issuer: Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
        return issuer.extensions.get_extension_for_class(BasicConstraints).value.ca
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm, ExtensionNotFound):
        return False


def _trusted(roots: list[Certificate], others: list[Certificate], at: datetime) -> list[Certificate]:
    """Return the roots and what comes from them, all valid at that time."""
    waiting = [c for c in (*roots, *others) if c.not_valid_before_utc <= at <= c.not_valid_after_utc]
    trusted, grown = list[Certificate](), [c for c in waiting if c in roots]
    while grown:
        trusted += grown
        grown = [c for c in waiting if c not in trusted and any(_issued(c, issuer) for issuer in trusted)]
    return trusted


def _signed_by(certificate: Certificate, signature: bytes, message: bytes, digest: str) -> bool:
    public, by = certificate.public_key(), getattr(hashes, digest)()
    try:
        if isinstance(public, rsa.RSAPublicKey):
            public.verify(signature, message, padding.PKCS1v15(), by)
        elif isinstance(public, ec.EllipticCurvePublicKey):
            public.verify(signature, message, ec.ECDSA(by))
        else:
            return False
        usage = certificate.extensions.get_extension_for_class(ExtendedKeyUsage)
    except (InvalidSignature, ExtensionNotFound):
        return False
    return usage.critical and list(usage.value) == [ExtendedKeyUsageOID.TIME_STAMPING]


def stamped_at(response: bytes, text: bytes, roots: list[Certificate]) -> datetime:
    """Return when an authority under one of the roots saw the text. Raises ValueError with what does not hold."""
    try:
        status, token = _parse(response)[0].parts()
        kind, wrapped = token.parts()
        _, _, content, *optional, signers = wrapped.parts()[0].parts()
        content_kind, octets = content.parts()
        info = octets.parts()[0].body
        _, _, imprint, _, moment, *_ = _parse(info)[0].parts()
        (signer,) = signers.parts()
        _, _, algorithm, attributes, _, signature, *_ = signer.parts()
        signed = {name.body: value.body for name, value in (item.parts() for item in attributes.parts())}
        method, digest = imprint.parts()
        when = datetime.strptime(moment.body.decode()[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        holds = {
            "it is not a token that was granted": status.parts()[0].body in (b"\0", b"\1")
            and (kind.body, content_kind.body) == (_SIGNED_DATA, _TST_INFO)
            and _parse(signed[_CONTENT_TYPE])[0].body == _TST_INFO,
            "it is of another text": _digest(method) == "SHA256"
            and digest.body == hashlib.sha256(text).digest(),
            "its content is not what is signed": attributes.tag == 0xA0
            and _parse(signed[_MESSAGE_DIGEST])[0].body == hashlib.new(_digest(algorithm), info).digest(),
        }
        for words, true in holds.items():
            if not true:
                raise ValueError(words)
        given = [
            load_der_x509_certificate(der.whole)
            for part in optional
            if part.tag == 0xA0
            for der in part.parts()
        ]
        message = b"\x31" + attributes.whole[1:]
        trusted = _trusted(roots, given[:16], when)
        if not any(_signed_by(c, signature.body, message, _digest(algorithm)) for c in trusted):
            raise ValueError(
                "no certificate for time stamps, from a root of yours and valid then, has signed it"
            )
    except (KeyError, IndexError, TypeError, UnsupportedAlgorithm) as exception:
        raise ValueError(f"it is no time stamp that can be read ({type(exception).__name__})") from None
    return when

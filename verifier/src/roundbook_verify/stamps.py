"""RFC 3161 time stamps: tokens (RFC 5652) are taken apart here, certificates are for `cryptography`."""

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization.pkcs7 import load_der_pkcs7_certificates
from cryptography.x509 import BasicConstraints, Certificate, ExtendedKeyUsage
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store

# Object identifiers in DER: SHA-2, signed data, what it holds, and two of its attributes.
_SHA = {bytes.fromhex(f"60864801650304020{n}"): by for n, by in enumerate((SHA256(), SHA384(), SHA512()), 1)}
_PKCS = bytes.fromhex("2a864886f70d01")
_SIGNED_DATA, _STAMP = _PKCS + b"\7\2", _PKCS + b"\11\20\1\4"
_CONTENT, _DIGEST = _PKCS + b"\11\3", _PKCS + b"\11\4"


def _values(der: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield tag, content and whole of the values that stand side by side. Raises ValueError, IndexError."""
    while der:
        size, head = der[1], 2
        if size & 0x80:
            head += size & 0x7F
            size = int.from_bytes(der[2:head], "big")
        if head + size > len(der):
            raise ValueError("its DER is cut short")
        yield der[0], der[head : head + size], der[: head + size]
        der = der[head + size :]


def _inside(der: bytes, *way: int) -> bytes:
    """Return the content of the value that is found by entering, at each step, that of a number."""
    for number in way:
        der = list(_values(der))[number][1]
    return der


def _is_for_stamps(_policy: Any, _certificate: Certificate, usage: ExtendedKeyUsage) -> None:
    if list(usage) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise ValueError("it is for other things too")


_ANY = ExtensionPolicy.permit_all()
_AUTHORITY = _ANY.require_present(BasicConstraints, Criticality.AGNOSTIC, None)
_STAMPING = _ANY.require_present(ExtendedKeyUsage, Criticality.CRITICAL, _is_for_stamps)


def stamped_at(response: bytes, text: bytes, roots: list[Certificate]) -> datetime:
    """Return when an authority under a root saw the text. Raises ValueError with what does not hold."""
    try:
        ((_, told, _),) = _values(response)
        (_, status, _), (_, content, token) = _values(told)
        data = _inside(content, 1, 0)
        info = _inside(data, 2, 1, 0)
        ((_, signer, _),) = _values(_inside(data, -1))
        _, _, (_, algorithm, _), (tag, attributes, message), _, (_, signature, _), *_ = _values(signer)
        signed = {_inside(each, 0): _inside(each, 1, 0) for _, each, _ in _values(attributes)}
        kinds = _inside(content, 0), _inside(data, 2, 0), signed[_CONTENT]
        imprint, by = _inside(info, 0, 2), _SHA[_inside(algorithm, 0)]
        method, digest = _SHA[_inside(imprint, 0, 0)], _inside(imprint, 1)
        when = datetime.strptime(_inside(info, 0, 4)[:14].decode(), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        given = load_der_pkcs7_certificates(token)[:16]
        granted = tag == 0xA0 and _inside(status, 0) in (b"\0", b"\1")
    except Exception as exception:  # noqa: BLE001 (what is wrong with it can be anything)
        raise ValueError(f"it cannot be read: {exception!r}") from None
    if not granted or kinds != (_SIGNED_DATA, _STAMP, _STAMP):
        raise ValueError("it is no token that was granted")
    if method.name != "sha256" or digest != hashlib.sha256(text).digest():
        raise ValueError("it is of another text")
    if signed.get(_DIGEST) != hashlib.new(by.name, info).digest():
        raise ValueError("its content is not what is signed")
    policy = PolicyBuilder().store(Store(roots)).time(when)
    policy = policy.extension_policies(ca_policy=_AUTHORITY, ee_policy=_STAMPING)
    for certificate in given:
        with suppress(Exception):  # the library says no in many ways
            public: Any = certificate.public_key()
            way = [padding.PKCS1v15(), by] if isinstance(public, rsa.RSAPublicKey) else [ec.ECDSA(by)]
            public.verify(signature, b"\x31" + message[1:], *way)
            policy.build_client_verifier().verify(certificate, given)
            return when
    raise ValueError("no certificate for time stamps, from a root of yours and valid then, has signed it")

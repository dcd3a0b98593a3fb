"""Time stamps: an authority signs that a checkpoint was there at a time (RFC 3161)."""

from hashlib import sha256

from rfc3161_client import (
    HashAlgorithm,
    PKIStatus,
    TimeStampRequest,
    TimestampRequestBuilder,
    TimeStampResponse,
    decode_timestamp_response,
)

from app.evidence.anchors.anchor import AnchorError, Receipt
from app.evidence.anchors.asking import Asking
from domain.evidence.anchoring import AnchorSpec, Prove
from domain.evidence.notes import Note

SHA256_OID = "2.16.840.1.101.3.4.2.1"


class TimeStampAnchor:
    """Asks an authority to stamp the text of checkpoints, without their signatures.

    The response is kept with the authority's certificates. Whether these are to be trusted is for whoever
    verifies it, with a root of their own; here it is held against what was asked.
    """

    def __init__(self, spec: AnchorSpec) -> None:
        self.spec = spec
        self._asking = Asking(spec.target)

    def newest(self, origin: str) -> Note | None:  # noqa: ARG002
        """Return None: an authority does not remember what it stamped."""
        return None

    def anchor(self, note: Note, prove: Prove) -> Receipt:  # noqa: ARG002 (it looks at no proof)
        """Have the text of a note stamped. Raises AnchorError."""
        text = note.text.encode()
        request = (
            TimestampRequestBuilder()
            .data(text)
            .hash_algorithm(HashAlgorithm.SHA256)
            .nonce(nonce=True)
            .cert_request(cert_request=True)
            .build()
        )
        answer = self._asking.post(
            self.spec.place, request.as_bytes(), "application/timestamp-query"
        )
        if answer.status != 200:
            raise AnchorError(f"{self.spec.target} answers {answer}")
        try:
            response = decode_timestamp_response(answer.body)
        except ValueError:
            raise AnchorError(
                f"{self.spec.target} answers no time stamp ({answer.content_type})"
            ) from None
        fault = _fault(request, response, text)
        if fault:
            raise AnchorError(f"{self.spec.target} {fault}")
        return Receipt(answer.body)

    def close(self) -> None:
        """Let go of connections."""
        self._asking.close()


def _fault(request: TimeStampRequest, response: TimeStampResponse, text: bytes) -> str | None:
    if response.status not in {PKIStatus.GRANTED, PKIStatus.GRANTED_WITH_MODS}:
        why = " ".join(response.status_string)
        return f"did not stamp: status {response.status} {why}".rstrip()
    stamped = response.tst_info
    imprint = stamped.message_imprint
    if (imprint.hash_algorithm.dotted_string, imprint.message) != (
        SHA256_OID,
        sha256(text).digest(),
    ):
        return "stamped something else"
    if stamped.nonce != request.nonce:
        return "stamped another request: the nonce is not that which was sent"
    if not response.signed_data.certificates:
        return "left out its certificates, without which its time stamps can't be verified later"
    return None

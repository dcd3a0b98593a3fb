"""Time stamps come over HTTP from an authority that signs real tokens, and are held against the request."""

from contextlib import ExitStack
from hashlib import sha256

import pytest
from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

from app.evidence.anchors.anchor import AnchorError
from app.evidence.anchors.opening import open_anchor
from app.evidence.anchors.time_stamps import TimeStampAnchor
from domain.evidence.anchoring import parse_anchors
from domain.evidence.notes import Note
from tests.evidence.authority import Asked, Authority, der, sequence
from tests.evidence.histories import ORIGIN, History, a_key
from tests.evidence.loopback import Reply, forget_proxies, served

HISTORY = History()
TEXT = HISTORY.at(3).text
NOTE = Note(TEXT).signed([a_key().sign(TEXT)])


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_proxies(monkeypatch)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def anchor(authority: Authority, cleanup: ExitStack) -> TimeStampAnchor:
    authority.alter, authority.status = (lambda _: None), 0
    url = cleanup.enter_context(served(authority))
    opened = open_anchor(*parse_anchors(f"tsa:{url}/stamp?for=roundbook"))
    cleanup.callback(opened.close)
    assert isinstance(opened, TimeStampAnchor)
    return opened


def stamp(anchor: TimeStampAnchor) -> bytes:
    return anchor.anchor(NOTE, HISTORY.prove(3)).data


def refusal(anchor: TimeStampAnchor) -> str:
    with pytest.raises(AnchorError) as refused:
        stamp(anchor)
    assert type(refused.value) is AnchorError
    assert str(refused.value).startswith(f"{anchor.spec.target} ")
    assert "for=roundbook" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize("status", [0, 1])
def test_what_is_kept_proves_later_when_the_text_was_there(
    anchor: TimeStampAnchor, authority: Authority, status: int
) -> None:
    authority.status = status
    receipt = decode_timestamp_response(stamp(anchor))
    assert receipt.status == status
    assert receipt.tst_info.gen_time.isoformat() == "2025-06-15T15:06:40+00:00"
    assert receipt.tst_info.message_imprint.message == sha256(TEXT.encode()).digest()
    if status == 0:  # the library takes no other
        verifier = VerifierBuilder().add_root_certificate(authority.root).build()
        assert verifier.verify_message(receipt, TEXT.encode())
        with pytest.raises(VerificationError):
            verifier.verify_message(receipt, HISTORY.at(4).text.encode())


def test_the_request_is_as_the_rfc_says(anchor: TimeStampAnchor, authority: Authority) -> None:
    stamp(anchor)
    stamp(anchor)
    first, second = (Asked(request.body) for request in authority.requests[-2:])
    request = authority.requests[-1]
    assert (request.method, request.path) == ("POST", "/stamp?for=roundbook")
    assert request.content_type == "application/timestamp-query"
    assert first.version == b"\1"
    assert first.digest == sha256(TEXT.encode()).digest()
    assert first.wants_certificates
    assert first.nonce
    assert second.nonce
    assert first.nonce != second.nonce


def test_an_authority_remembers_nothing(anchor: TimeStampAnchor) -> None:
    stamp(anchor)
    assert anchor.newest(ORIGIN) is None


def test_a_stamp_of_something_else_is_refused(
    anchor: TimeStampAnchor, authority: Authority
) -> None:
    def alter(asked: Asked) -> None:
        asked.imprint = asked.imprint.replace(asked.digest, sha256(b"else").digest())

    authority.alter = alter
    assert refusal(anchor).endswith("stamped something else")


def test_a_stamp_by_another_hash_is_refused(anchor: TimeStampAnchor, authority: Authority) -> None:
    def alter(asked: Asked) -> None:
        sha384 = b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02"
        asked.imprint = sequence(sequence(sha384), der(0x04, asked.digest))

    authority.alter = alter
    assert refusal(anchor).endswith("stamped something else")


@pytest.mark.parametrize("nonce", [b"\x01\x02\x03", None])
def test_a_stamp_of_another_request_is_refused(
    anchor: TimeStampAnchor, authority: Authority, nonce: bytes | None
) -> None:
    def alter(asked: Asked) -> None:
        asked.nonce = nonce

    authority.alter = alter
    assert "the nonce is not that which was sent" in refusal(anchor)


def test_a_stamp_without_certificates_is_refused(
    anchor: TimeStampAnchor, authority: Authority
) -> None:
    def alter(asked: Asked) -> None:
        asked.wants_certificates = False

    authority.alter = alter
    assert "left out its certificates" in refusal(anchor)


def test_a_refusal_is_told_in_the_words_of_the_authority(
    anchor: TimeStampAnchor, authority: Authority
) -> None:
    authority.status = 2
    assert refusal(anchor).endswith("did not stamp: status 2 the clock is being set")


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(200, b"<html>", "text/html"), "answers no time stamp (text/html)"),
        (Reply(200, b"", "application/timestamp-reply"), "answers no time stamp"),
        (Reply(503, b"later"), "answers 503, 'later'"),
    ],
)
def test_anything_but_a_stamp_is_none(cleanup: ExitStack, reply: Reply, words: str) -> None:
    url = cleanup.enter_context(served(lambda _: reply))
    anchor = TimeStampAnchor(*parse_anchors(f"tsa:{url}?for=roundbook"))
    cleanup.callback(anchor.close)
    assert words in refusal(anchor)

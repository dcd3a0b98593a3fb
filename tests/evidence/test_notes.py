"""Notes, keys and checkpoints are read and written as other programs read and write them."""

import re

import pytest

from app.evidence.keys import generate_key, parse_key
from app.evidence.verifying import SignatureError, verify
from domain.evidence.checkpoints import (
    Checkpoint,
    KeyStatement,
    cosigned_text,
    origin_of,
    parse_checkpoint,
    parse_key_statement,
    split_cosignature,
)
from domain.evidence.notes import (
    Note,
    NoteError,
    VerifierKey,
    parse_note,
    parse_verifier_key,
)

# golang.org/x/mod v0.29.0, sumdb/note: example_test.go and note_test.go.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETERS_SECRET = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
PETERS_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXg"
    "KvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
ENOCHS_LINE = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01"
    "oOTGwnWLox33WWd1RvMc+QQ=\n"
)

# C2SP signed-note, the example of a verifier key.
C2SP_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
C2SP_NOTE = (
    "This is an example message.\n\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYj"
    "OBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)

# Go's checksum database: its key as in golang.org/x/mod, gosumcheck; a checkpoint of it as in
# filippo.io/torchwood, cmd/litewitness/testdata/sumdb.txt.
SUMDB_KEY = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
SUMDB = (
    "go.sum database tree\n35225469\nvt5T6GaLCXvyHFl9VUvvItR43XZxfLgftEcTyO3eJCQ=\n\n"
    "— sum.golang.org Az3grpukl5AXaVfYkLiDGORx/DN2nlcS5kZHR5uYOBV2KA2HgXpD+gu9HHONebHL"
    "AyaKbbTM75QTtPydhKCExixSfwQ=\n"
)

# A checkpoint of a public log of certificates with lines of several kinds: an RFC 6962 tree head (0x05),
# Ed25519, and cosignatures of witnesses, of which the key of one is known.
REMORA_KEY = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
COSIGNED = (
    "arche2025h1.staging.ct.transparency.dev\n1432088532\n"
    "U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=\n\n"
    "— arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLf"
    "QFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=\n"
    "— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27l"
    "efwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=\n"
    "— transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8"
    "nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==\n"
    "— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI"
    "+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==\n"
)

# C2SP tlog-cosignature, the example of a cosigned checkpoint.
EXAMPLE_COSIGNATURE = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URY"
    "N7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZC"
    "B9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)


@pytest.mark.parametrize(
    ("note", "vkey"),
    [
        (f"{TEXT}\n{PETERS_LINE}", PETER),
        (f"{TEXT}\n{PETERS_LINE}{ENOCHS_LINE}", PETER),
        (f"{TEXT}\n{PETERS_LINE}{ENOCHS_LINE}", ENOCH),
        (C2SP_NOTE, C2SP_KEY),
        (SUMDB, SUMDB_KEY),
        (COSIGNED, REMORA_KEY),
    ],
)
def test_notes_of_others_verify_and_no_other_text_does(note: str, vkey: str) -> None:
    read = parse_note(note.encode())
    assert str(read) == note
    (verified,) = verify(read, [parse_verifier_key(vkey)])
    assert str(verified.vkey) == vkey
    assert verified.signature.line in note
    with pytest.raises(SignatureError, match="does not hold"):
        verify(Note(read.text[1:], read.signatures), [parse_verifier_key(vkey)])


def test_a_cosignature_says_when_it_was_made() -> None:
    (verified,) = verify(parse_note(COSIGNED.encode()), [parse_verifier_key(REMORA_KEY)])
    assert verified.signed_at is not None
    assert verified.signed_at.isoformat() == "2026-05-23T21:50:24+00:00"
    note = parse_note(EXAMPLE_COSIGNATURE.encode())
    posix_s, _ = split_cosignature(note.signatures[1].signature)
    assert cosigned_text(note.text, posix_s) == (
        "cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\n"
        "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    )


@pytest.mark.parametrize("size", [71, 73])
def test_a_cosignature_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(NoteError, match=f"72 bytes, and this one {size}"):
        split_cosignature(b"\1" * size)


@pytest.mark.parametrize("time", [0, 2**63])
def test_a_cosignature_without_a_possible_time_is_refused(time: int) -> None:
    with pytest.raises(NoteError, match="time"):
        split_cosignature(time.to_bytes(8, "big") + b"\1" * 64)


def test_a_key_of_another_program_signs_the_same_bytes_here() -> None:
    key = parse_key(PETERS_SECRET)
    assert key.text == PETERS_SECRET
    assert str(key.vkey) == PETER
    assert key.sign(TEXT).line == PETERS_LINE
    assert str(Note(TEXT).signed([key.sign(TEXT)])) == f"{TEXT}\n{PETERS_LINE}"


def test_signatures_are_added_once_and_the_others_stay_as_they_are() -> None:
    note = parse_note(f"{TEXT}\n{PETERS_LINE}".encode())
    enochs = parse_note(f"{TEXT}\n{ENOCHS_LINE}".encode()).signatures
    assert str(note.signed(enochs).signed(enochs)) == f"{TEXT}\n{PETERS_LINE}{ENOCHS_LINE}"


def test_what_a_known_key_did_not_sign_is_refused_and_so_is_what_none_signed() -> None:
    peter, enoch = parse_verifier_key(PETER), parse_verifier_key(ENOCH)
    forged = PETERS_LINE[:60] + "ABCD" + PETERS_LINE[64:]
    note = parse_note(f"{TEXT}\n{ENOCHS_LINE}{forged}".encode())
    with pytest.raises(SignatureError, match=r"PeterNeumann\+c74f20a3 does not hold"):
        verify(note, [peter, enoch])
    assert [each.vkey for each in verify(note, [enoch])] == [enoch]
    with pytest.raises(SignatureError, match=r"not signed by example\.com/foo\+530d903a"):
        verify(note, [parse_verifier_key(C2SP_KEY)])
    with pytest.raises(SignatureError, match="not signed by any known key"):
        verify(note, [])


def test_a_signature_of_one_kind_is_none_of_another() -> None:
    key = generate_key("example.com/log")
    cosigner = VerifierKey(key.name, 0x04, key.vkey.key)
    assert cosigner.key_id != key.vkey.key_id
    passed_off = key.sign(TEXT)
    relabelled = type(passed_off)(key.name, cosigner.key_id, b"\1" * 8 + passed_off.signature)
    with pytest.raises(SignatureError, match="does not hold"):
        verify(Note(TEXT, (relabelled,)), [cosigner])


def test_keys_that_can_not_be_told_apart_are_refused() -> None:
    class Twin(VerifierKey, frozen=True):
        """A key that was searched for until its id was the other's."""

        @property
        def key_id(self) -> bytes:
            return parse_verifier_key(PETER).key_id

    twin = Twin("PeterNeumann", 1, b"\1" * 32)
    note = parse_note(f"{TEXT}\n{PETERS_LINE}".encode())
    with pytest.raises(SignatureError, match="two keys have the name and id"):
        verify(note, [parse_verifier_key(PETER), twin])


@pytest.mark.parametrize(
    ("note", "fault"),
    [
        (TEXT, "blank line"),
        (f"{TEXT}\n", "blank line|does not end"),
        (f"{TEXT}\n{PETERS_LINE}"[:-1], "newline"),
        (f"\x01{TEXT}\n{PETERS_LINE}", "control character"),
        (f"{TEXT}\r\n\n{PETERS_LINE}", "control character"),
        (f"{TEXT}\n{PETERS_LINE}Unexpected line.\n", "em dash"),
        (f"{TEXT}\n{PETERS_LINE.replace('—', '-')}", "em dash"),
        (f"{TEXT}\n{PETERS_LINE.replace('Peter', 'Peter ')}", "base64"),
        (f"{TEXT}\n{PETERS_LINE.replace('Peter', 'Peter+')}", "name of a key"),
        (TEXT + "\n" + PETERS_LINE.replace("Peter", "Peter\u00a0"), "name of a key"),
        (f"{TEXT}\n{PETERS_LINE.replace('PeterNeumann', '')}", "name of a key"),
        (f"{TEXT}\n{PETERS_LINE.replace('=', '')}", "base64"),
        (f"{TEXT}\n{PETERS_LINE.replace('AM=', 'AN=')}", "base64"),
        (f"{TEXT}\n{PETERS_LINE.replace('/', '_')}", "base64"),
        (f"{TEXT}\n— PeterNeumann x08gow==\n", "too few"),
        (f"{TEXT}\n— PeterNeumann\n", "base64"),
        (f"{TEXT}\n{PETERS_LINE * 101}", "more than 100"),
    ],
)
def test_what_is_no_note_is_refused(note: str, fault: str) -> None:
    with pytest.raises(NoteError, match=fault):
        parse_note(note.encode())


def test_a_note_must_be_utf8() -> None:
    with pytest.raises(NoteError, match="not UTF-8"):
        parse_note(b"\xff" + f"{TEXT}\n{PETERS_LINE}".encode())


def test_a_note_may_hold_blank_lines_and_100_signatures() -> None:
    note = parse_note(f"a\n\nb\n\n\n{PETERS_LINE * 100}".encode())
    assert note.text == "a\n\nb\n\n"
    assert len(note.signatures) == 100


def test_no_mangled_vkey_is_taken_for_a_key() -> None:
    """As x/mod tries it: each part of the text, and each character raised by one."""
    parts = {PETER[i:j] for i in range(len(PETER)) for j in range(i + 1, len(PETER) + 1)} - {PETER}
    raised = {PETER[:i] + chr(ord(PETER[i]) + 1) + PETER[i + 1 :] for i in range(len(PETER))}
    for mangled in parts | raised:
        with pytest.raises(NoteError):
            parse_verifier_key(mangled)


@pytest.mark.parametrize(
    ("vkey", "fault"),
    [
        # Of x/mod: with the id of what they hold.
        (
            "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
            "base64|bytes",
        ),
        ("PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "kind 0x65"),
        (PETER.replace("c74f20a3", "C74F20A3"), "lower case"),
        (PETER.replace("c74f20a3", "c74f20a4"), "its own is c74f20a3"),
    ],
)
def test_unfit_vkeys_are_refused(vkey: str, fault: str) -> None:
    with pytest.raises(NoteError, match=fault):
        parse_verifier_key(vkey)


def test_a_vkey_may_hold_pluses_in_its_key() -> None:
    # transparency-dev/formats, note/note_cosigv1_test.go.
    key = "TEST+7997405c+AQcC+FTVKf0jlTdHDY3rbevmnKxxPjigCXlVtGe6RIr6"
    assert str(parse_verifier_key(key)) == key


def test_a_checkpoint_is_three_lines() -> None:
    # golang.org/x/mod, sumdb/tlog/note_test.go; SHA-256 of 0x00 and "hello world".
    text = "go.sum database tree\n123456789012\nTszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb0=\n"
    read = parse_checkpoint(text)
    assert (read.origin, read.size, read.root[:2].hex()) == (
        "go.sum database tree",
        123456789012,
        "4ecc",
    )
    assert read.text == text
    empty = "origin\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
    assert parse_checkpoint(empty).text == empty


_ROOT = "TszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb0="


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (f"o\n1\n{_ROOT}", "end with a newline"),
        (f"o\n1\n{_ROOT}\nextension\n", "this one has 4"),
        (f"o\n1\n{_ROOT}\n\n", "this one has 4"),
        ("o\n1\n", "this one has 2"),
        (f"\n1\n{_ROOT}\n", "origin is empty"),
        (f"o\n01\n{_ROOT}\n", "no size"),
        (f"o\n+1\n{_ROOT}\n", "no size"),
        (f"o\n-1\n{_ROOT}\n", "no size"),
        (f"o\n 1\n{_ROOT}\n", "no size"),
        (f"o\n1 \n{_ROOT}\n", "no size"),
        (f"o\n1_0\n{_ROOT}\n", "no size"),
        (f"o\n٣\n{_ROOT}\n", "no size"),
        (f"o\n0x1\n{_ROOT}\n", "no size"),
        (f"o\n9223372036854775808\n{_ROOT}\n", "no size"),
        (f"o\n3438945738945739845734895735\n{_ROOT}\n", "no size"),
        (f"o\n\n{_ROOT}\n", "no size"),
        (f"o\n0\n{_ROOT}\n", "empty tree"),
        ("o\n1\nThisIsn'tBase64\n", "base64"),
        ("o\n1\nYmFuYW5hcw==\n", "7 bytes, not 32"),
        (f"o\n1\n{_ROOT[:-1]}\n", "base64"),
        (f"o\n1\n{_ROOT[:-2]}1=\n", "base64"),
        (f"o\n1\n{_ROOT} \n", "base64"),
        (f"o\r\n1\n{_ROOT}\n", "control character"),
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str, fault: str) -> None:
    with pytest.raises(NoteError, match=fault):
        parse_checkpoint(text)


@pytest.mark.parametrize("revoked", [False, True])
def test_a_statement_about_a_key_is_read_as_it_is_written(revoked: bool) -> None:
    statement = KeyStatement("example.com/log/1", 7, parse_verifier_key(PETER), revoked)
    assert statement.text == (
        f"roundbook key\nexample.com/log/1\n7\n{PETER}\n" + "revoked\n" * revoked
    )
    assert parse_key_statement(statement.text) == statement


@pytest.mark.parametrize(
    "text",
    [
        f"roundbook key\nexample.com/log/1\n7\n{PETER}",
        f"roundbook keys\nexample.com/log/1\n7\n{PETER}\n",
        f"roundbook key\nexample.com/log/1\n7\n{PETER}\nrevoke\n",
        f"roundbook key\nexample.com/log/1\n7\n{PETER}\nrevoked\nrevoked\n",
        f"roundbook key\n\n7\n{PETER}\n",
        f"roundbook key\nexample.com/log/1\n07\n{PETER}\n",
        "roundbook key\nexample.com/log/1\n7\n",
        f"roundbook key\nexample.com/log/1\n7\n{PETER[:-1]}\n",
    ],
)
def test_what_is_no_statement_about_a_key_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        parse_key_statement(text)


def test_trees_of_one_log_have_origins_of_their_own() -> None:
    assert [origin_of("x/log/1", tree) for tree in ("log", "heads", "accesses")] == [
        "x/log/1",
        "x/log/1/heads",
        "x/log/1/accesses",
    ]


def test_a_checkpoint_prints_as_what_is_signed() -> None:
    origin = "roundbook.invalid/log/00112233445566778899aabbccddeeff"
    text = Checkpoint(origin, 3, bytes(32)).text
    assert re.fullmatch(rf"{origin}\n3\nA{{43}}=\n", text)

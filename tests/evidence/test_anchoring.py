"""What an operator writes of anchors is read or refused in words; what they know is held against a log."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.evidence.anchoring import AnchorSpec, contradiction, parse_anchors
from domain.evidence.checkpoints import Checkpoint
from domain.evidence.merkle import EMPTY_ROOT
from domain.evidence.notes import parse_verifier_key
from tests.evidence.histories import ORIGIN, History
from tests.evidence.test_notes import PETER, REMORA_KEY


def test_anchors_are_separated_by_white_space_and_know_their_intervals() -> None:
    vkey = parse_verifier_key(REMORA_KEY)
    text = (
        f"file:/var/lib/anchors  file:a;b.ndjson;interval=0.5\n"
        f"witness:https://w.example:8443/log;v=1,2/+{REMORA_KEY}\t"
        f"witness:https://a+b+c.example+{REMORA_KEY};interval=5 "
        "tsa:https://user:secret@tsa.example/r?token=secret;interval=86400 tsa:http://[::1]:80"
    )
    assert parse_anchors(text) == [
        AnchorSpec("file", "/var/lib/anchors", 0),
        AnchorSpec("file", "a;b.ndjson", 0.5),
        AnchorSpec("witness", "https://w.example:8443/log;v=1,2", 60, vkey),
        AnchorSpec("witness", "https://a+b+c.example", 5, vkey),
        AnchorSpec("tsa", "https://user:secret@tsa.example/r?token=secret", 86_400),
        AnchorSpec("tsa", "http://[::1]:80", 3_600),
    ]
    assert [spec.target for spec in parse_anchors(text)] == [
        "file:/var/lib/anchors",
        "file:a;b.ndjson",
        "witness:https://w.example:8443/log;v=1,2",
        "witness:https://a+b+c.example",
        "tsa:https://tsa.example/r",
        "tsa:http://[::1]:80",
    ]
    assert parse_anchors(" ") == []


@pytest.mark.parametrize(
    ("item", "fault"),
    [
        ("-1", r"\(-1\): it must begin with file:, witness: or tsa:"),
        ("s3:bucket/prefix", r"\(s3\): it must begin with"),
        ("/var/lib/anchors", "it must begin with"),
        ("file:", r"\(file\): it says no place"),
        ("file:;interval=5", "it says no place"),
        ("file:/a;interval=", "a number of seconds from 0 to 2678400, not ''"),
        ("file:/a;interval=-1", "not '-1'"),
        ("file:/a;interval=1e3", "not '1e3'"),
        ("file:/a;interval=nan", "not 'nan'"),
        ("file:/a;interval=2678401", "not '2678401'"),
        ("tsa:ftp://user:secret@host/", r"\(tsa\): its URL must be as https://host/path$"),
        ("tsa:https:///secret", "its URL must be as"),
        ("tsa:https://host:secret/", "its URL must be as"),
        ("tsa:https://host:0/", "its URL must be as"),
        ("tsa:https://[secret/", "its URL must be as"),
        ("tsa:https://host/#secret", "its URL must be as"),
        ("witness:https://secret.example", "the vkey being name"),
        (f"witness:https://secret.example+{REMORA_KEY[:-1]}", "the vkey being name"),
        (f"witness:{REMORA_KEY}", "the vkey being name"),
        (f"witness:+{REMORA_KEY}", "the vkey being name"),
        (f"witness:https://secret.example?a+{REMORA_KEY}", "without a query"),
        (f"witness:http://secret.example+{REMORA_KEY}", "the URL of a witness must be https"),
        (f"witness:http://127.0.0.1.secret.example+{REMORA_KEY}", "must be https"),
        (f"witness:http://10.0.0.1+{REMORA_KEY}", "must be https"),
        (f"witness:secret.example+{REMORA_KEY}", "its URL must be as"),
        (f"witness:https://secret.example+{PETER}", r"not one of a witness \(0x04"),
        (
            f"witness:https://secret.example+{REMORA_KEY.replace('da77', 'da78')}",
            "bears the id da78ade7, but its own is da77ade7",
        ),
        ("file:/first", r"\(file\): it is the same as one before"),
        ("file:/first;interval=7", "it is the same as one before"),
    ],
)
def test_what_is_wrong_with_which_is_told_without_its_url(item: str, fault: str) -> None:
    with pytest.raises(ValueError, match=rf"^number 2 .*{fault}") as refused:
        parse_anchors(f"file:/first {item} file:/third")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8080", "[::1]", "LOCALHOST:1"])
def test_a_witness_on_this_host_may_be_asked_by_http(host: str) -> None:
    (spec,) = parse_anchors(f"witness:http://{host}/w+{REMORA_KEY}")
    assert spec.place == f"http://{host}/w"


def test_pluses_in_a_key_do_not_move_where_the_url_ends() -> None:
    # transparency-dev/formats, note/note_cosigv1_test.go, as a cosigner's.
    key = parse_verifier_key("TEST+7997405c+AQcC+FTVKf0jlTdHDY3rbevmnKxxPjigCXlVtGe6RIr6").key
    for name in ("TEST", "a.example/b"):
        vkey = type(parse_verifier_key(REMORA_KEY))(name, 4, key)
        (spec,) = parse_anchors(f"witness:https://w.example/a+b+{vkey}")
        assert (spec.place, spec.vkey) == ("https://w.example/a+b", vkey)


sizes = st.integers(0, 40)


@given(own=sizes, anchored=sizes)
def test_a_log_that_grew_contradicts_nothing_and_one_that_shrank_is_rolled_back(
    own: int, anchored: int
) -> None:
    log = History()
    found = contradiction(log.at(own), log.at(anchored), log.prove(own))
    assert found == ("rollback" if anchored > own else None)


@given(own=sizes, anchored=sizes)
def test_another_past_is_a_fork_once_there_is_any(own: int, anchored: int) -> None:
    log, other = History(0), History(1)
    found = contradiction(log.at(own), other.at(anchored), log.prove(own))
    expected = "rollback" if anchored > own else "fork" if anchored else None
    assert found == expected


def test_a_checkpoint_of_another_tree_says_nothing() -> None:
    with pytest.raises(ValueError, match="says nothing of"):
        contradiction(
            Checkpoint(ORIGIN, 0, EMPTY_ROOT),
            Checkpoint(f"{ORIGIN}/heads", 0, EMPTY_ROOT),
            History().prove(0),
        )

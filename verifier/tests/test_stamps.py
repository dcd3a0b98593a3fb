"""Time stamps of RFC 3161 in a bundle."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import rfc3161_client
from cryptography.x509.oid import ExtendedKeyUsageOID
from roundbook_verify.main import main
from roundbook_verify.stamps import stamped_at
from verifier.tests.authority import WHEN, Authority
from verifier.tests.building import OPERATOR, ORIGIN, b64, compact, consistency, player_log, root, write

LOG = player_log()
TEXT = LOG.note().split(b"\n\n")[0] + b"\n"
TSA = Authority()
Verify = Callable[..., tuple[int, str]]


@pytest.fixture
def verify(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Verify:
    def run(stamps: dict[str, bytes], authority: Authority = TSA) -> tuple[int, str]:
        (tmp_path / "root.pem").write_bytes(authority.pem)
        bundle = write(tmp_path / "bundle.zip", LOG.range() | stamps)
        status = main([str(bundle), "--vkey", OPERATOR.vkey, "--tsa-root", str(tmp_path / "root.pem")])
        return status, capsys.readouterr().out

    return run


@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_a_stamp_over_the_checkpoint_is_proven(verify: Verify, kind: str) -> None:
    authority = Authority(kind)
    stamp = authority.stamp(TEXT)
    status, said = verify({"anchors/a.tsr": stamp}, authority)
    assert status == 0
    assert "time stamps: size 12 at 2025-01-16T04:05:06Z" in said
    # What the tests encode by hand is what another reader of RFC 3161 takes.
    oracle = rfc3161_client.VerifierBuilder().add_root_certificate(authority.root).build()
    assert oracle.verify_message(rfc3161_client.decode_timestamp_response(stamp), TEXT)


@pytest.mark.parametrize("size", [1, 7, 12])
def test_a_stamp_over_another_size_is_proven_with_its_consistency(verify: Verify, size: int) -> None:
    told = {
        "size": size,
        "root": b64(root(LOG.leaves[:size])),
        "proof": [b64(item) for item in consistency(size, LOG.leaves)],
    }
    stamp = TSA.stamp(f"{ORIGIN}\n{size}\n{told['root']}\n".encode())
    status, said = verify({"anchors/a.tsr": stamp, "anchors/a.json": compact(told)})
    assert status == 0
    assert f"time stamps: size {size} at 2025-01-16T04:05:06Z" in said
    told["root"] = b64(bytes(32))
    status, said = verify({"anchors/a.tsr": stamp, "anchors/a.json": compact(told)})
    assert (status, "1-12 witness: anchors/a.tsr: " in said) == (1, True)


@pytest.mark.parametrize(
    "stamp",
    [
        b"",
        b"0",
        b"\x30\x80\x00\x00",
        b"\x30\x84\xff\xff\xff\xff",
        bytes(1000),
        TSA.stamp(TEXT) + b"\0",
        TSA.stamp(TEXT + b"x"),
        TSA.stamp(TEXT, signed=b"x"),
        TSA.stamp(TEXT, status=2),
        TSA.stamp(TEXT, given=False),
        Authority().stamp(TEXT),
        Authority(changes={"usage": ExtendedKeyUsageOID.CODE_SIGNING}).stamp(TEXT),
    ],
)
def test_a_stamp_that_is_none_is_found(verify: Verify, stamp: bytes) -> None:
    status, said = verify({"anchors/a.tsr": stamp})
    assert (status, said.count("1-12 witness: anchors/a.tsr: ")) == (1, 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"critical": False},
        {"usage": ExtendedKeyUsageOID.CODE_SIGNING},
        {"usage": None},
        {"after": WHEN - timedelta(seconds=1)},
        {"before": WHEN + timedelta(seconds=1)},
    ],
)
def test_a_certificate_that_is_not_for_it_is_found(verify: Verify, changes: dict[str, Any]) -> None:
    authority = Authority(changes=changes)
    assert verify({"anchors/a.tsr": authority.stamp(TEXT)}, authority)[0] == 1


def test_any_byte_of_a_stamp_that_is_changed_is_found_or_is_not_what_is_signed() -> None:
    stamp = TSA.stamp(TEXT)
    for at in range(len(stamp)):
        changed = stamp[:at] + bytes([stamp[at] ^ 1]) + stamp[at + 1 :]
        try:
            assert stamped_at(changed, TEXT, [TSA.root]) == WHEN, at
        except ValueError:
            continue


def test_without_a_root_stamps_are_said_to_be_unchecked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = write(tmp_path / "bundle.zip", LOG.range() | {"anchors/a.tsr": b"x"})
    assert main([str(bundle), "--vkey", OPERATOR.vkey]) == 0
    assert "not checked: 1 time stamps" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["tsr", "json"])
def test_more_than_a_thousand_stamps_are_no_bundle_of_this_format(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    stamps = {f"anchors/{n}.{kind}": b"x" for n in range(1_001)}
    bundle = write(tmp_path / "bundle.zip", LOG.range() | stamps)
    assert main([str(bundle), "--vkey", OPERATOR.vkey]) == 1
    assert "1-12 bundle: there are over 1000 time stamps" in capsys.readouterr().out
    del stamps[f"anchors/7.{kind}"]
    assert main([str(write(bundle, LOG.range() | stamps)), "--vkey", OPERATOR.vkey]) == 0

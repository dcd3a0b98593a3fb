import gzip
import random
import struct
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from app.wire.body import (
    BodyTooLargeError,
    NotEncodedAsSaidError,
    UnsupportedEncodingError,
    decompress,
)

LIMIT = 1 << 20
ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": zstandard.compress,
    "identity": bytes,
}
compressed = pytest.mark.parametrize("encoding", ["gzip", "zstd"])
every_encoding = pytest.mark.parametrize("encoding", list(ENCODERS))


def chunked(whole: bytes, size: int) -> Iterator[bytes]:
    yield from (whole[i : i + size] for i in range(0, len(whole), size))


@given(st.sampled_from(list(ENCODERS)), st.binary(max_size=2000), st.integers(1, 300))
def test_what_was_encoded_comes_back_whole_or_in_chunks(
    encoding: str, body: bytes, size: int
) -> None:
    sent = ENCODERS[encoding](body)
    assert decompress(sent, encoding, LIMIT) == body
    assert decompress(chunked(sent, size), encoding, LIMIT) == body


@given(st.sampled_from(["gzip", "zstd"]), st.lists(st.binary(max_size=300), min_size=1))
def test_several_members_or_frames_are_one_body(encoding: str, parts: list[bytes]) -> None:
    sent = b"".join(map(ENCODERS[encoding], parts))
    assert decompress(sent, encoding, LIMIT) == b"".join(parts)
    assert decompress(chunked(sent, 7), encoding, LIMIT) == b"".join(parts)


@pytest.mark.parametrize("name", ["x-gzip", "GZIP", " gzip "])
def test_encodings_have_aliases_and_no_case(name: str) -> None:
    assert decompress(gzip.compress(b"{}"), name, LIMIT) == b"{}"


def test_no_encoding_is_identity() -> None:
    assert decompress(b"{}", "", LIMIT) == b"{}"
    assert decompress([], "", LIMIT) == b""


@pytest.mark.parametrize("name", ["br", "deflate", "gzip, gzip", "zstd2"])
def test_other_encodings_are_unsupported(name: str) -> None:
    with pytest.raises(UnsupportedEncodingError, match=name):
        decompress(b"{}", name, LIMIT)


@every_encoding
@pytest.mark.parametrize("chunks", [False, True])
def test_the_limit_counts_decompressed_bytes(encoding: str, chunks: bool) -> None:
    fits, too_large = (ENCODERS[encoding](bytes(size)) for size in (LIMIT, LIMIT + 1))
    assert decompress(chunked(fits, 999) if chunks else fits, encoding, LIMIT) == bytes(LIMIT)
    with pytest.raises(BodyTooLargeError, match="1,048,576"):
        decompress(chunked(too_large, 999) if chunks else too_large, encoding, LIMIT)


@compressed
def test_a_body_of_the_limit_that_does_not_compress_is_fine(encoding: str) -> None:
    body = random.Random(1).randbytes(LIMIT)
    sent = ENCODERS[encoding](body)
    assert len(sent) > LIMIT
    assert decompress(sent, encoding, LIMIT) == body


@compressed
@given(cut=st.integers(0, 200))
def test_a_body_cut_off_is_not_what_it_says(encoding: str, cut: int) -> None:
    sent = ENCODERS[encoding](b"abcdefgh" * 9)
    with pytest.raises(NotEncodedAsSaidError):
        decompress(sent[: cut % len(sent)], encoding, LIMIT)


@compressed
@given(rubbish=st.binary(max_size=20).filter(lambda text: text.strip(b"\0")))
def test_rubbish_after_the_end_is_refused(encoding: str, rubbish: bytes) -> None:
    sent = ENCODERS[encoding](b"{}") + rubbish
    with pytest.raises(NotEncodedAsSaidError):
        decompress(sent, encoding, LIMIT)


def test_what_is_wrong_is_told_apart_from_what_is_missing() -> None:
    whole = gzip.compress(b"{}")
    with pytest.raises(NotEncodedAsSaidError, match="ends before its encoding does"):
        decompress(whole[:-1], "gzip", LIMIT)
    for more in (b"x", bytes(3) + b"x", whole[:-1]):
        with pytest.raises(NotEncodedAsSaidError, match="what follows the encoded part"):
            decompress(whole + more, "gzip", LIMIT)


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
@pytest.mark.parametrize("zeros", [1, 127, 128, 129, 10_000])
def test_zeros_pad_gzip_as_in_gnu_gzip_and_python(zeros: int, size: int) -> None:
    padded = gzip.compress(b"ab") + bytes(zeros)
    assert decompress(chunked(padded, size), "gzip", LIMIT) == gzip.decompress(padded) == b"ab"
    twice = padded + padded
    assert decompress(chunked(twice, size), "gzip", LIMIT) == gzip.decompress(twice) == b"abab"


@pytest.mark.parametrize("zeros", [1, 127, 128, 129, 10_000])
def test_padding_hides_nothing(zeros: int) -> None:
    for sent in (
        bytes(zeros),
        bytes(zeros) + gzip.compress(b"ab"),
        gzip.compress(b"ab") + bytes(zeros) + b"x",
        gzip.compress(b"ab")[:-1],
    ):
        with pytest.raises(NotEncodedAsSaidError):
            decompress(sent, "gzip", LIMIT)
    with pytest.raises(NotEncodedAsSaidError):
        decompress(zstandard.compress(b"ab") + bytes(zeros), "zstd", LIMIT)


def test_padding_counts_against_the_limit() -> None:
    packed = gzip.compress(b"ab")
    decompress(packed + bytes(1000), "gzip", 1000)
    with pytest.raises(BodyTooLargeError):
        decompress(packed + bytes(10_000), "gzip", 1000)
    with pytest.raises(BodyTooLargeError):
        decompress((packed, *[bytes(1 << 16)] * 1000), "gzip", 1 << 20)


@compressed
@given(data=st.data())
def test_a_flipped_bit_never_goes_further_than_the_named_errors(
    encoding: str, data: st.DataObject
) -> None:
    sent = bytearray(ENCODERS[encoding](b"abcdefgh" * 9))
    sent[data.draw(st.integers(0, len(sent) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with suppress(NotEncodedAsSaidError, BodyTooLargeError):
        decompress(bytes(sent), encoding, LIMIT)


def test_a_wrong_checksum_is_refused() -> None:
    sent = bytearray(gzip.compress(b"{}"))
    sent[-8] ^= 1
    with pytest.raises(NotEncodedAsSaidError):
        decompress(bytes(sent), "gzip", LIMIT)
    framed = bytearray(zstandard.ZstdCompressor(write_checksum=True).compress(b"{}"))
    framed[-1] ^= 1
    with pytest.raises(NotEncodedAsSaidError):
        decompress(bytes(framed), "zstd", LIMIT)


@compressed
def test_another_encoding_than_said_is_refused(encoding: str) -> None:
    for other, encode in ENCODERS.items():
        if other != encoding:
            with pytest.raises(NotEncodedAsSaidError):
                decompress(encode(b'{"items":[]}'), encoding, LIMIT)


def test_zlib_and_raw_deflate_are_no_gzip() -> None:
    for wbits in (15, -15):
        writer = zlib.compressobj(wbits=wbits)
        with pytest.raises(NotEncodedAsSaidError):
            decompress(writer.compress(b"{}") + writer.flush(), "gzip", LIMIT)


def test_too_large_comes_before_corrupt() -> None:
    for encoding in ("gzip", "zstd"):
        with pytest.raises(BodyTooLargeError):
            decompress(chunked(b"rubbish " * LIMIT, 65536), encoding, LIMIT)


def test_skippable_zstd_frames_are_skipped() -> None:
    skippable = struct.pack("<II", 0x184D2A50, 5) + b"hello"
    sent = skippable + zstandard.compress(b"{}") + skippable
    assert decompress(sent, "zstd", LIMIT) == b"{}"


def test_zstd_windows_over_8_mib_are_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=24)
    writer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    with pytest.raises(NotEncodedAsSaidError, match="memory"):
        decompress(writer.compress(b"{}") + writer.flush(), "zstd", LIMIT)


@compressed
def test_many_empty_parts_are_refused(encoding: str) -> None:
    part = ENCODERS[encoding](b"")
    assert decompress(part * 20_000, encoding, LIMIT) == b""
    with pytest.raises(NotEncodedAsSaidError, match="20,000 parts"):
        decompress(part * 20_001, encoding, LIMIT)


@compressed
def test_a_bomb_is_never_unpacked_beyond_the_limit(encoding: str) -> None:
    sent = ENCODERS[encoding](bytes(1 << 28))
    tracemalloc.start()
    try:
        with pytest.raises(BodyTooLargeError):
            decompress(sent, encoding, LIMIT)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # The limit, a buffer that doubles while it grows, and the largest piece.
    assert peak_bytes < 2 * LIMIT + 2 * (4 << 20) + (1 << 20)


def test_a_zstd_bomb_of_the_smallest_blocks_is_never_unpacked_beyond_the_limit() -> None:
    # A frame with a window of 8 MiB, then blocks that repeat one byte 128 Ki times, 4 bytes each.
    block = struct.pack("<I", (1 << 17 << 3) | (1 << 1))[:3] + b"x"
    sent = b"\x28\xb5\x2f\xfd" + b"\x00" + bytes([13 << 3]) + block * 4096
    tracemalloc.start()
    try:
        with pytest.raises(BodyTooLargeError):
            decompress(sent, "zstd", LIMIT)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 2 * LIMIT + 2 * (4 << 20) + (1 << 20)

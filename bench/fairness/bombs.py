"""Bodies of some kilobytes that become a gigabyte."""

from multiprocessing.synchronize import Event

import zstandard

from bench.fairness.posting import post_until

_MIB = 1 << 20


def abuse(url: str, key: str, stop: Event) -> None:
    """Post a bomb of zstd, which does not say how large it becomes, until `stop` is set."""
    packer = zstandard.ZstdCompressor().compressobj()
    bomb = b"".join(packer.compress(bytes(_MIB)) for _ in range(1_024)) + packer.flush()
    post_until(stop, url, key, lambda *_: bomb, "zstd")

"""A zip that is written piece by piece, for who can't go back in what they sent."""

from collections.abc import Iterable, Iterator
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

# What is text has the same names in each line: the quickest level leaves a tenth.
_LEVEL = 1
_PIECE_BYTES = 64 * 1024


class _Sink:
    """Where the zip is written to: it can neither tell nor seek, so that data descriptors are written."""

    def __init__(self) -> None:
        self.written = bytearray()

    def write(self, data: bytes) -> int:
        self.written += data
        return len(data)

    def flush(self) -> None:
        """Keep what was written until it is taken."""

    def take(self) -> bytes:
        taken = bytes(self.written)
        self.written.clear()
        return taken


class ZipStream:
    """Writes members one after the other. The pieces that it gives are, in their order, the file."""

    def __init__(self) -> None:
        """Begin a zip."""
        self._sink = _Sink()
        self._zip = ZipFile(self._sink, "w", ZIP_DEFLATED, compresslevel=_LEVEL)  # type: ignore[call-overload]

    def member(
        self, name: str, content: Iterable[bytes], *, compressed: bool = True
    ) -> Iterator[bytes]:
        """Write a member, as its content comes; yields what there is of the file so far."""
        info: str | ZipInfo = name
        if not compressed:
            info = ZipInfo(name)
            info.compress_type = ZIP_STORED
        with self._zip.open(info, "w", force_zip64=True) as member:
            for data in content:
                member.write(data)
                if len(self._sink.written) >= _PIECE_BYTES:
                    yield self._sink.take()
        yield self._sink.take()

    def end(self) -> bytes:
        """Write the list of members, which makes it a zip."""
        self._zip.close()
        return self._sink.take()

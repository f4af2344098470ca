"""What the header of a picture file promises, checked before OpenCV makes room for it.

A file can promise any number of pixels in a few bytes, so nothing is decoded before its size is known.
Where a header can be read in two ways, the larger size counts; where it cannot be read in the way that
is written here, there is no size. Sources: the specifications, and what OpenCV's decoders take for a
header (modules/imgcodecs/src/grfmt_*.cpp) together with the libraries behind them.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from protoface.converters.errors import ProtofaceError

from .formats import HAS_JPEG_2000

#: Columns and rows.
Size = tuple[int, int]
Reader = Callable[[bytes], Iterable[Size]]
#: More scans than any encoder writes; a progressive JPEG is decoded as often as it has scans.
MOST_SCANS = 100
#: What `struct`, an index and a search raise for a header that breaks off.
_BROKEN = (struct.error, IndexError, ValueError, OverflowError)


def check_header(path: object, data: bytes, limit: int) -> None:
    """Raise ProtofaceError naming `path` for content that should not be decoded.

    That is what is no picture, one of more than `limit` pixels, a JPEG or PNG that breaks off, and a
    JPEG that takes many times longer than its size.
    """
    if data.startswith(_JPEG_2000) and not HAS_JPEG_2000:
        raise ProtofaceError(f"{path}: JPEG 2000 needs OpenCV 4.12 or later")
    size = picture_size(data)
    if size is None:
        raise ProtofaceError(f"{path}: not a picture that OpenCV can decode")
    columns, rows = size
    if columns * rows > limit:
        raise ProtofaceError(
            f"{path}: {columns} x {rows} pixels are more than {limit}; raise the limit (--max-pixels)"
        )
    if _breaks_off(data):
        kind = "JPEG" if data.startswith(_JPEG) else "PNG"
        raise ProtofaceError(f"{path}: the {kind} ends too early; the file is truncated")
    if has_too_many_scans(data):
        raise ProtofaceError(f"{path}: has more than {MOST_SCANS} scans, as no JPEG needs")


def picture_size(data: bytes) -> Size | None:
    """Columns and rows that the decoder makes room for; None for a header of no known format.

    A TIFF in tiles counts with whole tiles. Orientation is not considered.
    """
    reader = next((reader for begins, reader in _READERS if begins(data)), None)
    if reader is None:
        return None
    try:
        sizes = list(reader(data))
    except _BROKEN:
        return None
    if not sizes or min(min(size) for size in sizes) < 1:
        return None
    return max(sizes, key=lambda size: size[0] * size[1])


def _breaks_off(data: bytes) -> bool:
    """Whether a JPEG lacks its end marker, or a PNG the end of a chunk.

    OpenCV decodes such a JPEG, with grey for what is missing. For such a chunk of a PNG it makes as
    much room as the chunk promises, up to 4 GB.
    """
    if data.startswith(_JPEG):
        # a preview in the header has an end marker too, so no scan may start after the last one; inside
        # a scan every 0xFF is followed by 0x00, so what looks like a start is one
        return data.find(b"\xff\xda", data.rfind(b"\xff\xd9") + 1) >= 0
    return data.startswith(_PNG) and _chunks_break_off(data)


def has_too_many_scans(data: bytes) -> bool:
    """Whether a JPEG has more than MOST_SCANS scans, each of which is decoded for the whole picture."""
    try:
        if not data.startswith(_JPEG) or not _several_scans(data):
            return False
        found = islice((1 for marker, _ in _segments(data) if marker == _SCAN), MOST_SCANS + 1)
        return sum(found) > MOST_SCANS
    except _BROKEN:
        return True


_JPEG = b"\xff\xd8\xff"
_PNG = b"\x89PNG\r\n\x1a\n"
#: More chunks than the PNG of a gigabyte of pixels has.
_MOST_CHUNKS = 1_000_000
_SCAN, _END = 0xDA, 0xD9
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
#: A marker with contents, or the end. Fill bytes may stand before it.
_MARKER = re.compile(rb"\xff+([^\x00\xff\x01\xd0-\xd8])")
#: The first marker after a scan: no 0xFF of its data (followed by 0), no restart marker.
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
#: More segments than any camera writes.
_MOST_SEGMENTS = 20_000


def _segments(data: bytes) -> Iterator[tuple[int, int]]:
    """The markers of a JPEG and where their contents begin; bytes between them are skipped.

    Raises ValueError for more than _MOST_SEGMENTS.
    """
    after = 2
    for _ in range(_MOST_SEGMENTS):
        found = _MARKER.search(data, after)
        if found is None or found[1][0] == _END:
            return
        marker, after = found[1][0], found.end()
        yield marker, after + 2
        after += max(2, struct.unpack_from(">H", data, after)[0])
        if marker == _SCAN:
            end = _AFTER_SCAN.search(data, after)
            after = end.start() if end else len(data)
    raise ValueError("too many segments")


def _several_scans(data: bytes) -> bool:
    """Whether a JPEG is progressive, or its first scan lacks components, which others then bring."""
    components = 0
    for marker, start in _segments(data):
        if marker == _SCAN:
            return data[start] < components
        if marker in _FRAMES:
            progressive = marker & 3 == 2  # SOF2, SOF6, SOF10, SOF14
            components = 256 if progressive else data[start + 5]  # 256: more than any scan has
    return False


def _jpeg(data: bytes) -> Iterator[Size]:
    for marker, start in _segments(data):
        if marker == _SCAN:
            return
        if marker in _FRAMES:
            rows, columns = struct.unpack_from(">HH", data, start + 1)
            yield columns, rows


def _chunks_break_off(data: bytes) -> bool:
    """Whether a chunk of a PNG, up to IEND, is longer than what is left of the file."""
    at = len(_PNG)
    for _ in range(_MOST_CHUNKS):
        if at + 8 > len(data):
            return False
        last = data[at + 4 : at + 8] == b"IEND"
        at += int.from_bytes(data[at : at + 4], "big") + 12  # its length, kind and check sum
        if at > len(data):
            return True
        if last:
            return False
    return True


def _png(data: bytes) -> Iterator[Size]:
    if data[12:16] == b"IHDR":
        yield struct.unpack_from(">II", data, 16)


def _bmp(data: bytes) -> Iterator[Size]:
    (length,) = struct.unpack_from("<I", data, 14)
    columns, rows = struct.unpack_from("<HH" if length == 12 else "<ii", data, 18)
    yield columns, abs(rows)  # negative: from top to bottom


def _gif(data: bytes) -> Iterator[Size]:
    yield struct.unpack_from("<HH", data, 6)


def _webp(data: bytes) -> Iterator[Size]:
    kind = data[12:16]
    if kind == b"VP8X":
        yield 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    elif kind == b"VP8 ":
        columns, rows = struct.unpack_from("<HH", data, 26)
        yield columns & 0x3FFF, rows & 0x3FFF
    elif kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        yield 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)


def _sun(data: bytes) -> Iterator[Size]:
    yield struct.unpack_from(">II", data, 4)


_GAP = rb"(?:\s|#[^\r\n]*[\r\n])*"
_PNM = re.compile(rb"P[1-6]\s" + _GAP + rb"(\d{1,10})\s" + _GAP + rb"(\d{1,10})\s")
_PFM = re.compile(rb"P[Ff]\s+(\d{1,10})\s+(\d{1,10})\s")


def _pnm(data: bytes) -> Iterator[Size]:
    found = _PNM.match(data) or _PFM.match(data)
    if found:
        yield int(found[1]), int(found[2])


_PAM = re.compile(rb"(?:(WIDTH|HEIGHT|DEPTH|MAXVAL) (\d{1,10})|TUPLTYPE [^\n]*|#[^\n]*|)")


def _pam(data: bytes) -> Iterator[Size]:
    found: dict[bytes, int] = {}
    for line in data[3 : data.index(b"ENDHDR\n")].splitlines():
        field = _PAM.fullmatch(line)
        if field is None or field[1] in found:
            return
        if field[1]:
            found[field[1]] = int(field[2])
    if b"WIDTH" in found and b"HEIGHT" in found:
        yield found[b"WIDTH"], found[b"HEIGHT"]


_RADIANCE = re.compile(rb"-Y\s*\+?(\d{1,10})\s*\+X\s*\+?(\d{1,10})")


def _hdr(data: bytes) -> Iterator[Size]:
    # OpenCV cuts long lines, and may take an earlier one for the one with the size
    end = data.index(b"\n", data.index(b"\n\n") + 2)
    for found in _RADIANCE.finditer(data, 0, end):
        yield int(found[2]), int(found[1])


_JPEG_2000 = (b"\x00\x00\x00\x0cjP  \r\n\x87\n", b"\xff\x4f")
#: SIZ, the segment of the size: its length, two bytes, right, bottom, left and top of the picture in
#: four bytes each, the same of a tile, and the number of components. Looked for in the whole file.
_SIZ = re.compile(rb"\xff\x51\x00([\x29\x2c\x2f\x32]).{2}(.{16}).{16}\x00([\x01-\x04])", re.DOTALL)


def _jpeg_2000(data: bytes) -> Iterator[Size]:
    for found in _SIZ.finditer(data):
        right, bottom, left, top = struct.unpack(">4I", found[2])
        if found[1][0] == 38 + 3 * found[3][0]:  # the length is that of so many components
            yield right - left, bottom - top


#: The box `ispe` (image spatial extents), of which a file has one for each picture and preview.
_ISPE = re.compile(rb"ispe\x00{4}(.{8})", re.DOTALL)


def _avif(data: bytes) -> Iterator[Size]:
    for found in _ISPE.finditer(data):
        yield struct.unpack(">II", found[1])


#: Kinds of numbers in a TIFF, as `struct` names them.
_NUMBERS = {1: "B", 3: "H", 4: "I", 16: "Q"}
_COLUMNS, _ROWS, _TILE_COLUMNS, _TILE_ROWS = 256, 257, 322, 323


def _tiff(data: bytes) -> Iterator[Size]:
    found: dict[int, list[int]] = {_COLUMNS: [], _ROWS: [], _TILE_COLUMNS: [1], _TILE_ROWS: [1]}
    for tag, value in _entries(data, found):
        found[tag].append(value)
    if found[_COLUMNS] and found[_ROWS]:
        yield (
            _whole(max(found[_COLUMNS]), max(found[_TILE_COLUMNS])),
            _whole(max(found[_ROWS]), max(found[_TILE_ROWS])),
        )


def _whole(length: int, tile: int) -> int:
    return -(-length // tile) * tile


def _entries(data: bytes, tags: Iterable[int]) -> Iterator[tuple[int, int]]:
    """The numbers under some tags in the first directory of a TIFF.

    Raises ValueError if they are none, or if it has more entries than there are tags.
    """
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\x00", b"\x00+")
    first, count, entry, width = ("Q", "Q", 20, 12) if big else ("I", "H", 12, 8)
    (start,) = struct.unpack_from(order + first, data, 8 if big else 4)
    (entries,) = struct.unpack_from(order + count, data, start)
    start += struct.calcsize(order + count)
    if entries > 0xFFFF:
        raise ValueError("too many entries")
    for at in range(start, start + entries * entry, entry):
        tag, kind = struct.unpack_from(order + "HH", data, at)
        if tag in tags:
            if kind not in _NUMBERS or (kind == 16 and not big):
                raise ValueError(f"tag {tag} is no number")
            yield tag, struct.unpack_from(order + _NUMBERS[kind], data, at + width)[0]


def _starts(*beginnings: bytes) -> Callable[[bytes], bool]:
    return lambda data: data.startswith(beginnings)


_READERS: tuple[tuple[Callable[[bytes], bool], Reader], ...] = (
    (_starts(_JPEG), _jpeg),
    (_starts(_PNG), _png),
    (_starts(b"BM"), _bmp),
    (_starts(b"GIF87a", b"GIF89a"), _gif),
    (lambda data: data[:4] == b"RIFF" and data[8:12] == b"WEBP", _webp),
    (_starts(b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"), _tiff),
    (_starts(b"P7\n"), _pam),
    (lambda data: data[:1] == b"P" and data[1:2] in b"123456Ff", _pnm),
    (_starts(b"\x59\xa6\x6a\x95"), _sun),
    (_starts(b"#?RGBE", b"#?RADIANCE"), _hdr),
    (_starts(*_JPEG_2000), _jpeg_2000),
    (lambda data: data[4:8] == b"ftyp", _avif),
)

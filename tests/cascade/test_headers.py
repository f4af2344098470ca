"""Headers of pictures: the size is known before anything is decoded, and is never too small."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image  # comes with matplotlib; reads headers by itself

from protoface.cascade import ProtofaceError
from protoface.cascade.formats import HAS_JPEG_2000, PICTURES
from protoface.cascade.headers import MOST_SCANS, check_header, has_too_many_scans, picture_size
from protoface.cascade.pictures import encode_picture

COLUMNS, ROWS = 70, 40
PILLOW = {
    "progressive": ("JPEG", {"progressive": True}),
    "grey": ("JPEG", {}),
    "lossless.webp": ("WEBP", {"lossless": True}),
    "moving.webp": ("WEBP", {"save_all": True}),
    "moving.gif": ("GIF", {"save_all": True}),
    "raw.tiff": ("TIFF", {}),
    "lzw.tiff": ("TIFF", {"compression": "tiff_lzw"}),
    "bare.j2k": ("JPEG2000", {"no_jp2": True}),
    "palette.bmp": ("BMP", {}),
}


def picture() -> np.ndarray:
    coarse = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    return cv2.resize(coarse, (COLUMNS, ROWS), interpolation=cv2.INTER_CUBIC)


def pillow(name: str) -> bytes:
    """The picture as another library writes it, which uses other parts of the formats."""
    kind, options = PILLOW[name]
    image = Image.fromarray(picture())
    image = image.convert("L" if name == "grey" else "P" if name.startswith("palette") else "RGB")
    if "save_all" in options:
        options = {**options, "append_images": [image.rotate(90), image]}
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def seeds() -> dict[str, bytes]:
    written = {suffix: encode_picture(f"a{suffix}", picture()) for suffix in sorted(PICTURES)}
    return written | {name: pillow(name) for name in PILLOW}


@pytest.mark.parametrize("suffix", sorted(PICTURES))
def test_the_size_in_every_format(suffix):
    assert picture_size(encode_picture(f"a{suffix}", picture())) == (COLUMNS, ROWS)


@pytest.mark.parametrize("name", PILLOW)
def test_the_size_of_what_another_library_writes_and_reads(name):
    data = pillow(name)
    assert picture_size(data) == (COLUMNS, ROWS) == Image.open(io.BytesIO(data)).size


def mutant(data: bytes, rng: np.random.Generator) -> bytes:
    """The file with a few bytes of its header changed, put in or left out."""
    changed = bytearray(data)
    for _ in range(rng.integers(1, 4)):
        at, kind = int(rng.integers(min(len(changed), rng.choice((64, 1024))))), rng.integers(4)
        if kind == 0:
            changed[at] = rng.integers(256)
        elif kind == 1:
            changed[at] ^= 1 << rng.integers(8)
        elif kind == 2:
            changed[at:at] = rng.bytes(int(rng.integers(1, 8)))
        else:
            del changed[at : at + int(rng.integers(1, 8))]
    return bytes(changed)


def test_what_opencv_decodes_is_never_larger_than_its_header_says():
    rng, decoded = np.random.default_rng(7), 0
    for data in seeds().values():
        for _ in range(60):
            tried = mutant(data, rng)
            try:
                check_header("a", tried, 500_000)
                image = cv2.imdecode(np.frombuffer(tried, np.uint8), cv2.IMREAD_COLOR)
            except (ProtofaceError, cv2.error):
                continue
            if image is not None:
                columns, rows = picture_size(tried)
                assert image.shape[0] * image.shape[1] <= columns * rows
                decoded += 1
    assert decoded > 300


def test_every_part_of_a_file_has_an_answer():
    for data in seeds().values():
        for end in range(0, min(len(data), 400), 3):
            picture_size(data[:end])
            has_too_many_scans(data[:end])


def chunk(kind: bytes, content: bytes, length: int | None = None) -> bytes:
    size = len(content) if length is None else length
    return struct.pack(">I", size) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(columns: int, rows: int, *others: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(others)


def tiff(big: bool, order: str, **tags: int) -> bytes:
    """The directory of a TIFF with some tags, each a number of 32 bits."""
    numbers = {"columns": 256, "rows": 257, "tile_columns": 322, "tile_rows": 323}
    head = {"<": b"II", ">": b"MM"}[order]
    if big:
        data = head + struct.pack(order + "HHHQQ", 43, 8, 0, 16, len(tags))
        return data + b"".join(
            struct.pack(order + "HHQII", numbers[tag], 4, 1, value, 0) for tag, value in tags.items()
        )
    data = head + struct.pack(order + "HIH", 42, 8, len(tags))
    return data + b"".join(
        struct.pack(order + "HHII", numbers[tag], 4, 1, value) for tag, value in tags.items()
    )


@pytest.mark.parametrize(
    "data",
    [
        png(30_000, 30_000),
        png(1, 900_000_000),
        b"BM" + bytes(12) + struct.pack("<Iii", 40, 30_000, -30_000),
        b"GIF89a" + struct.pack("<HH", 30_000, 30_000),
        b"RIFF\x00\x00\x00\x00WEBPVP8X" + bytes(8) + b"\xff\xff\x00\xff\xff\x00",
        b"\xff\xd8\xff\xc2\x00\x11\x08" + struct.pack(">HH", 60_000, 60_000) + b"\x03",
        b"\xff\xd8\xff\xe0\x00\x04..\xff\xff\xc0\x00\x11\x08" + struct.pack(">HH", 60_000, 60_000),
        b"P6\n# 10 10\n30000 30000\n255\n",
        b"P7\nWIDTH 30000\nHEIGHT 30000\nDEPTH 3\nMAXVAL 255\nENDHDR\n",
        b"PF\n30000 30000\n-1\n",
        b"\x59\xa6\x6a\x95" + struct.pack(">II", 30_000, 30_000),
        b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 30000 +X 30000\n",
        # OpenCV reads lines of 127 letters, so it sees an empty one behind the first
        b"#?RADIANCE\n" + b"x" * 127 + b"\n-Y 30000 +X 30000\n\n-Y 1 +X 1\n",
        pytest.param(
            b"\xff\x4f\xff\x51\x00\x2f\x00\x00" + struct.pack(">8IH", 30_000, 30_000, *[0] * 6, 3),
            marks=pytest.mark.skipif(not HAS_JPEG_2000, reason="OpenCV before 4.12"),
        ),
        b"\x00\x00\x00\x1cftypavif" + b"ispe\x00\x00\x00\x00" + struct.pack(">II", 30_000, 30_000),
        *(tiff(big, order, columns=30_000, rows=30_000) for big in (False, True) for order in "<>"),
        tiff(False, "<", columns=10, rows=10, tile_columns=30_000, tile_rows=30_000),
        tiff(False, "<", columns=10, rows=10, **{"tile_rows": 900_000_000}),
    ],
)
def test_what_promises_too_many_pixels_is_refused_by_its_header(data):
    with pytest.raises(ProtofaceError, match=r"^a.png: .* pixels are more than 100000000; raise the"):
        check_header("a.png", data, 100_000_000)


def test_the_limit_is_the_last_size_that_is_taken():
    check_header("a", png(100, 100), 10_000)
    with pytest.raises(ProtofaceError, match=r"^a: 100 x 100 pixels are more than 9999; raise"):
        check_header("a", png(100, 100), 9_999)


@pytest.mark.parametrize(
    "data",
    [
        b"text",
        b"",
        png(0, 10),
        b"P6\n10#99999\n10 10\n255\n",  # OpenCV skips the number sign alone
        b"P7\nWIDTH 10\nHEIGHT 10\nWIDTH 99999\nENDHDR\n",
        b"RIFF\x00\x00\x00\x00WEBPJUNK" + bytes(40),
        tiff(True, "<", columns=10),
        b"II+\x00\x08\x00\x00\x00" + b"\xff" * 8,  # its directory lies 16 exabytes further
        b"\xff\xd8" + b"\xff\xe0\x00\x02" * 30_000,
    ],
)
def test_a_header_that_does_not_say_it_clearly_has_no_size(data):
    assert picture_size(data) is None
    with pytest.raises(ProtofaceError, match="^a: not a picture that OpenCV can decode"):
        check_header("a", data, 100)


def test_jpeg_2000_is_refused_where_opencv_is_not_safe_with_it(monkeypatch):
    monkeypatch.setattr("protoface.cascade.headers.HAS_JPEG_2000", False)
    with pytest.raises(ProtofaceError, match=r"^a: JPEG 2000 needs OpenCV 4.12 or later"):
        check_header("a", pillow("bare.j2k"), 10_000)
    check_header("a", pillow("raw.tiff"), 10_000)


def test_a_chunk_that_is_longer_than_its_file_is_refused():
    data = png(8, 8, chunk(b"tEXt", b"x", length=0xF0000000))  # OpenCV makes room for 4 GB
    with pytest.raises(ProtofaceError, match="the PNG ends too early"):
        check_header("a", data, 100)


def scanned(times: int) -> bytes:
    """A progressive JPEG with its last scan so many times."""
    data = pillow("progressive")
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * times + b"\xff\xd9"


def test_a_progressive_jpeg_of_many_scans_is_refused():
    assert not has_too_many_scans(scanned(1))
    assert not has_too_many_scans(scanned(MOST_SCANS - 20))
    with pytest.raises(ProtofaceError, match=f"^a: has more than {MOST_SCANS} scans"):
        check_header("a", scanned(3000), 10_000)


def test_pictures_behind_the_end_of_a_jpeg_are_no_scans():
    data = pillow("progressive")
    assert not has_too_many_scans(data + data * 30)


def test_a_plain_jpeg_is_decoded_by_its_first_scan_alone():
    data = cv2.imencode(".jpg", picture())[1].tobytes()
    last = data.rindex(b"\xff\xda")
    assert not has_too_many_scans(data[:last] + data[last:-2] * 300 + b"\xff\xd9")

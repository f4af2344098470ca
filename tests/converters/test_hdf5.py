"""HDF5 files of anybody's: what leads elsewhere, is larger than it may be, or hangs the library."""

import struct
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from protoface.converters import ProtofaceError, read_weights, write_weights
from protoface.converters.hdf5 import check_hdf5, open_hdf5, read_arrays
from protoface.trainers.solver.snapshot import read_state

NET = """
layer { name: 'x' type: 'Input' top: 'x' input_param { shape { dim: [1, 4] } } }
layer { name: 'f' type: 'InnerProduct' bottom: 'x' top: 'y' inner_product_param { num_output: 2 } }
"""


@pytest.fixture
def file(tmp_path, net_of, filled):
    write_weights(tmp_path / "n.h5", filled(net_of(NET)))
    return tmp_path / "n.h5"


def test_a_sound_file(file):
    check_hdf5(file)
    assert file.read_bytes().count(b"HEAP") == 4  # of the root, /data, /data/x and /data/f


def test_free_blocks_in_a_circle(file):
    """The library allocates a record for each block that it meets, for ever: it must not be asked."""
    content = bytearray(file.read_bytes())
    heap = content.rindex(b"HEAP")
    _, _, start = struct.unpack_from("<QQQ", content, heap + 8)
    struct.pack_into("<Q", content, heap + 16, 8)  # the first free block is at 8 ...
    struct.pack_into("<QQ", content, start + 8, 8, 16)  # ... and the next one is itself
    file.write_bytes(content)
    with pytest.raises(ProtofaceError, match="n.h5: the names of a group are damaged"):
        read_weights(file)


@pytest.mark.parametrize("way", ["beside", "below", "far below"])
def test_nodes_of_an_index_in_a_circle(file, way):
    """Found by mutations: one made the library run for ever, the other exhausts its stack."""
    content = bytearray(file.read_bytes())
    node = content.rindex(b"TREE")
    if way == "beside":
        struct.pack_into("<Q", content, node + 16, node)
    else:
        content[node + 5] = 1
        struct.pack_into("<Q", content, node + 32, node if way == "below" else content.index(b"TREE"))
        content[content.index(b"TREE") + 5] = 2
    file.write_bytes(content)
    with pytest.raises(ProtofaceError, match="n.h5: the index of a group is damaged"):
        read_weights(file)


def test_an_index_of_many_nodes(tmp_path):
    """Hundreds of names make an index of several levels, which is sound."""

    def make(file):
        for number in range(600):
            file[f"data/layer_{number}/0"] = np.ones(1, np.float32)

    path = build(tmp_path / "n.h5", make)
    content = path.read_bytes()
    levels = {content[place + 5] for place in range(len(content)) if content.startswith(b"TREE", place)}
    assert levels == {0, 1}
    assert len(read_weights(path).layer) == 600


def test_letters_that_are_no_heap(file, net_of, filled):
    """Weights may spell anything."""
    content = file.read_bytes()
    for tail in (b"HEAP", b"HEAP" + bytes(28), b"HEAP" + b"\xff" * 60, b"TREE", b"TREE" + b"\1" * 60):
        file.write_bytes(content + tail)
        assert read_weights(file).layer[0].name == "f"


@pytest.mark.parametrize(
    ("place", "byte", "message"),
    [
        (1, 0, "not an HDF5 file"),
        (13, 4, "no addresses of 8 bytes"),
        (14, 2, "no addresses of 8 bytes"),
    ],
)
def test_another_format(file, place, byte, message):
    content = bytearray(file.read_bytes())
    content[place] = byte
    file.write_bytes(content)
    with pytest.raises(ProtofaceError, match=message):
        read_weights(file)


def build(path, make):
    """A file with two floats of the user's beside it, and one that `make` fills."""
    (path.parent / "secret").write_bytes(np.array([1, 2], "<f4").tobytes())
    with h5py.File(path.parent / "other.h5", "w") as other:
        other["0"] = np.float32([1, 2])
    with h5py.File(path, "w") as file:
        make(file)
    return path


def external_storage(file, name, folder):
    file.create_dataset(name, (2,), "f4", external=[(str(folder / "secret"), 0, 8)])


def external_link(file, name, folder):
    file[name] = h5py.ExternalLink(str(folder / "other.h5"), "/0")


def soft_link(file, name, folder):
    file["by/way/of"] = h5py.ExternalLink(str(folder / "other.h5"), "/")
    file[name] = h5py.SoftLink("/by/way/of/0")


def virtual(file, name, folder):
    layout = h5py.VirtualLayout((2,), "f4")
    layout[:] = h5py.VirtualSource(str(folder / "other.h5"), "0", (2,))
    file.create_virtual_dataset(name, layout)


ELSEWHERE = [external_storage, external_link, soft_link, virtual]


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_weights_of_another_file(tmp_path, elsewhere):
    path = build(tmp_path / "n.caffemodel.h5", lambda file: elsewhere(file, "data/f/0", tmp_path))
    with h5py.File(path) as file:
        assert file["data/f/0"][()].tolist() == [1, 2]  # h5py reads them
    with pytest.raises(ProtofaceError, match=r"n.caffemodel.h5: .*another file") as caught:
        read_weights(path)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_a_solver_state_of_another_file(tmp_path, elsewhere):
    def make(file):
        file["iter"], file["current_step"], file["learned_net"] = [1], [0], b"n.caffemodel"
        elsewhere(file, "history/0", tmp_path)

    with pytest.raises(ProtofaceError, match=r"a.solverstate.h5: .*another file"):
        read_state(build(tmp_path / "a.solverstate.h5", make))


def test_the_root_itself_may_lead_elsewhere(tmp_path):
    def make(file):
        file["data"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/")

    with pytest.raises(ProtofaceError, match="another file"):
        read_weights(build(tmp_path / "n.h5", make))


def test_groups_that_hold_themselves(tmp_path):
    def make(file):
        file["data/f/0"] = np.ones(2, np.float32)
        file["data/loop"] = file["/"]

    assert [layer.name for layer in read_weights(build(tmp_path / "n.h5", make)).layer] == ["f"]


def test_deep_groups(tmp_path):
    """Each level is a call in the library's own walk: enough of them end the process."""

    def make(file):
        group = file
        for _ in range(2000):
            group = group.create_group("a")

    with pytest.raises(ProtofaceError, match="more than 64 levels"):
        read_weights(build(tmp_path / "n.h5", make))


@pytest.mark.parametrize(
    "storage", [{"chunks": (1 << 20,)}, {"chunks": (1 << 20,), "fillvalue": 3}, {}]
)
def test_values_that_are_only_declared(tmp_path, storage):
    def make(file):
        data = file.create_dataset("data/f/0", (1 << 35,), "f4", compression=None, **storage)
        if storage:
            data[:5] = 1

    path = build(tmp_path / "n.h5", make)
    started = time.monotonic()
    with pytest.raises(ProtofaceError, match=r"n.h5: /data/f/0 of shape .* is not in the file"):
        read_weights(path)
    assert time.monotonic() - started < 2


def test_values_that_are_packed(tmp_path, monkeypatch):
    """As much as Deflate can unpack them to is still too much if nobody packs so much."""
    packed = {"compression": "gzip", "chunks": (1 << 16,)}
    path = build(
        tmp_path / "n.h5",
        lambda file: file.create_dataset("data/f/0", data=np.zeros(1 << 20, np.float32), **packed),
    )
    assert len(read_weights(path).layer) == 1
    monkeypatch.setattr("protoface.converters.hdf5.UNPACKED", 1 << 20)
    with pytest.raises(ProtofaceError, match=r"bytes unpack to 4,194,304; store so much without"):
        read_weights(path)


def test_one_data_set_under_many_names_is_read_once(tmp_path):
    def make(file):
        file["data/f/0"] = np.ones(1000, np.float32)
        for name in range(1000):
            file[f"data/f{name}/0"] = file["data/f/0"]

    assert len(read_weights(build(tmp_path / "n.h5", make)).layer) == 1


def test_kinds(tmp_path):
    def make(file):
        file["a"], file["b"] = np.arange(3), np.float16([1, 2])

    path = build(tmp_path / "n.h5", make)
    with open_hdf5(path) as items:
        assert list(items) == ["", "a", "b"]
        assert read_arrays(path, {"a": items["a"]}, "iu")["a"].tolist() == [0, 1, 2]
        with pytest.raises(ProtofaceError, match="n.h5: /a holds int64, not floats$"):
            read_arrays(path, {"a": items["a"]})


FULL = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
from protoface.start import main
main()
"""


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".caffemodel.h5", ".h5", ".pt", ".onnx", ".caffemodel"])
def test_a_full_disk_is_one_line_in_every_format(suffix, tmp_path):
    """HDF5 itself would end the process where it closes the file."""
    model = Path(__file__).parents[2] / "cascade" / "models" / "fast"
    out = tmp_path / f"net{suffix}"
    given = ["convert", model / "level_1.prototxt", model / "level_1.caffemodel", "--out", out]
    done = subprocess.run([sys.executable, "-c", FULL, *given], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == f"protoface: {out}: cannot be written: File too large\n"
    assert list(tmp_path.iterdir()) == []

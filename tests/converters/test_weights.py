"""Weights in three formats: bit-identical round trips, and every way in which a file can be wrong."""

import contextlib
import itertools

import h5py
import numpy as np
import pytest
import torch

from protoface.converters import (
    ProtofaceError,
    caffe_pb2,
    load_net,
    read_weights,
    with_weights,
    write_weights,
)
from protoface.converters.blobs import to_blob
from protoface.converters.pytorch import to_pytorch
from protoface.converters.weights import arrays_of, weights_format, without_weights

SUFFIXES = [".caffemodel", ".caffemodel.h5", ".pt"]
NET = """
layer {{ name: 'data' type: 'Input' top: 'data' input_param {{ shape {{ dim: [1, 3, 6, 6] }} }} }}
layer {{ name: '{0}' type: 'Convolution' bottom: 'data' top: 'c'
        convolution_param {{ num_output: 4 kernel_size: 3 }} }}
layer {{ name: '{1}' type: 'BatchNorm' bottom: 'c' top: 'c' }}
layer {{ name: 'relu' type: 'ReLU' bottom: 'c' top: 'c' }}
layer {{ name: 'ip' type: 'InnerProduct' bottom: 'c' top: 'ip'
        inner_product_param {{ num_output: 5 }} }}
"""

NO_PARAMETERS = """
layer { name: 'data' type: 'Input' top: 'data' input_param { shape { dim: [1, 3, 6, 6] } } }
layer { name: 'pool' type: 'Pooling' bottom: 'data' top: 'pool' pooling_param { kernel_size: 2 } }
"""


@pytest.fixture
def net(net_of, filled):
    return filled(net_of(NET.format("conv", "bn")))


def carry(net, path):
    """A net's weights through a file and back into the net's own text."""
    slashes = any("/" in layer.name for layer in net.layer) and path.name.endswith("h5")
    with pytest.warns(UserWarning, match="'/'") if slashes else contextlib.nullcontext():
        write_weights(path, net)
    return with_weights(without_weights(net), read_weights(path), str(path))


@pytest.mark.parametrize("first", SUFFIXES)
@pytest.mark.parametrize("second", SUFFIXES)
def test_round_trips(tmp_path, net, first, second):
    assert carry(carry(net, tmp_path / f"a{first}"), tmp_path / f"b{second}") == net


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("level", [1, 2])
def test_published_weights_come_back_bit_for_bit(tmp_path, published, level, suffix):
    prototxt, original = published(level)
    net = load_net(prototxt, original)
    again = carry(carry(net, tmp_path / f"n{suffix}"), tmp_path / "n.caffemodel")
    arrays, published = arrays_of(again, "again"), arrays_of(read_weights(original), "original")
    assert len(arrays) == 118
    assert {key: array.tobytes() for key, array in arrays.items()} == {
        key: published[key].tobytes() for key in arrays
    }


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    ("kind", "bits"),
    [("f4", [0x7FC12345, 0x7FA00001, 0xFF800001, 0x80000000]), ("f8", [0x7FF4DEADBEEF0001, 1, 2, 3])],
)
def test_every_bit_survives(tmp_path, net, suffix, kind, bits):
    array = np.array(bits, kind.replace("f", "u")).view(kind)
    net.layer[1].blobs[1].CopyFrom(to_blob(array))
    again = carry(net, tmp_path / f"n{suffix}")
    assert arrays_of(again, "n")["conv.1"].tobytes() == array.tobytes()
    assert arrays_of(again, "n")["conv.1"].dtype == kind


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    ("conv", "norm"),
    [
        ("conv1/in/pw_new", "conv1"),
        ("a.b", "a"),
        ("a", "a.0"),
        ("a.0", "a"),
        ("a/b.c/d", "0"),
        ("type", "층"),
    ],
)
def test_names_with_slashes_and_dots(tmp_path, net_of, filled, suffix, conv, norm):
    net = filled(net_of(NET.format(conv, norm)))
    assert carry(net, tmp_path / f"n{suffix}") == net


SHARED = """
layer { name: 'data' type: 'Input' top: 'data' input_param { shape { dim: [1, 4] } } }
layer { name: 'a' type: 'InnerProduct' bottom: 'data' top: 'a' param { name: 'w' }
        inner_product_param { num_output: 4 } }
layer { name: 'b' type: 'InnerProduct' bottom: 'a' top: 'b' param { name: 'w' }
        inner_product_param { num_output: 4 } }
layer { name: 'c' type: 'InnerProduct' bottom: 'b' top: 'c' param { name: 'w' }
        inner_product_param { num_output: 4 bias_term: false } }
"""


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_shared_blobs_stand_in_every_layer_again(tmp_path, net_of, filled, suffix):
    net = filled(net_of(SHARED))
    assert [len(layer.blobs) for layer in net.layer] == [0, 2, 2, 1]
    assert net.layer[1].blobs[0] == net.layer[2].blobs[0] == net.layer[3].blobs[0]
    assert carry(net, tmp_path / f"n{suffix}") == net


def test_shared_blobs_stand_at_their_owner_only_in_hdf5(tmp_path, net_of, filled):
    """As Caffe writes them; a layer without any of its own keeps an empty group."""
    write_weights(tmp_path / "n.caffemodel.h5", filled(net_of(SHARED)))
    with h5py.File(tmp_path / "n.caffemodel.h5") as file:
        assert {name: sorted(group) for name, group in file["data"].items()} == {
            "data": [],
            "a": ["0", "1"],
            "b": ["1"],
            "c": [],
        }


def test_a_state_dict_of_a_module_is_read(tmp_path, net_of, filled):
    net = filled(net_of(SHARED))
    torch.save(to_pytorch(net, "net").state_dict(), tmp_path / "n.pt")
    assert with_weights(without_weights(net), read_weights(tmp_path / "n.pt"), "n.pt") == net


def test_parameters_and_half_precision_are_read(tmp_path):
    torch.save(
        {"a.0": torch.nn.Parameter(torch.tensor([1.5])), "a.1": torch.tensor([2.5]).half()},
        tmp_path / "n.pt",
    )
    arrays = arrays_of(read_weights(tmp_path / "n.pt"), "n.pt")
    assert {key: array.tolist() for key, array in arrays.items()} == {"a.0": [1.5], "a.1": [2.5]}


def test_layout_of_hdf5_is_caffes(tmp_path, net):
    write_weights(tmp_path / "n.caffemodel.h5", net)
    with h5py.File(tmp_path / "n.caffemodel.h5") as file:
        assert list(file) == ["data"]
        assert file["data/conv/0"].shape == (4, 3, 3, 3)
        assert file["data/conv/0"].dtype == np.float32
        assert len(file["data/relu"]) == 0


def test_a_state_dict_is_plain(tmp_path, net):
    write_weights(tmp_path / "n.pt", net)
    state = torch.load(tmp_path / "n.pt", weights_only=True)
    assert type(state) is dict
    assert list(state) == ["conv.0", "conv.1", "bn.0", "bn.1", "bn.2", "ip.0", "ip.1"]


def test_slashes_in_hdf5_are_warned_about(tmp_path, net_of, filled):
    net = filled(net_of(NET.format("conv/a", "conv/b")))
    with pytest.warns(UserWarning, match=r"2 layer names contain '/' .*'conv/a'.*stock Caffe ignores"):
        write_weights(tmp_path / "n.caffemodel.h5", net)


@pytest.mark.parametrize(
    ("conv", "norm"), [("a", "a/0"), ("a/1/b", "a"), ("a//b", "x"), ("/a", "x"), ("a/.", "x")]
)
@pytest.mark.filterwarnings("ignore:.*layer names contain")
def test_names_that_hdf5_cannot_hold(tmp_path, net_of, filled, conv, norm):
    path = tmp_path / "n.caffemodel.h5"
    with pytest.raises(ProtofaceError, match="HDF5 has no place for this name"):
        write_weights(path, filled(net_of(NET.format(conv, norm))))
    assert not list(tmp_path.iterdir())


def test_layers_that_the_net_lacks_are_passed_over(net, net_of):
    extra = caffe_pb2.NetParameter()
    extra.CopyFrom(net)
    extra.layer.add(name="old_loss", blobs=[{"data": [1], "num": 1}])
    assert with_weights(without_weights(net), extra, "w") == net


def test_a_number_may_have_any_shape_of_one(net):
    """Old BatchNorm layers hold their factor as 1x1x1x1, others as a scalar."""
    for shape in ([1, 1, 1, 1], []):
        other = caffe_pb2.NetParameter()
        other.CopyFrom(net)
        del other.layer[2].blobs[2].shape.dim[:]
        other.layer[2].blobs[2].shape.dim.extend(shape)
        other.layer[2].blobs[2].shape.SetInParent()
        assert with_weights(without_weights(net), other, "w") == net


def changed(net, change):
    other = caffe_pb2.NetParameter()
    other.CopyFrom(net)
    change({layer.name: layer for layer in other.layer})
    return other


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda layers: layers["conv"].ClearField("blobs"), "has no weights for layer 'conv'"),
        (lambda layers: setattr(layers["ip"], "name", "fc"), "has no weights for layer 'ip'"),
        (lambda layers: layers["conv"].blobs.pop(), "layer 'conv' has 1 blobs, the net needs 2"),
        (lambda layers: layers["ip"].blobs.add(), "layer 'ip' has 3 blobs, the net needs 2"),
        (lambda layers: layers["ip"].blobs[0].Clear(), "layer 'ip', blob 0 is missing"),
        (
            lambda layers: layers["ip"].blobs[0].CopyFrom(to_blob(np.zeros((5, 7), "f4"))),
            r"layer 'ip', blob 0: shape \[5, 7\], but the net needs \[5, 64\]; .*another net",
        ),
        (
            lambda layers: layers["conv"].blobs[0].CopyFrom(to_blob(np.zeros((3, 4, 3, 3), "f4"))),
            r"layer 'conv', blob 0: shape \[3, 4, 3, 3\], but the net needs \[4, 3, 3, 3\]",
        ),
        (
            lambda layers: layers["conv"].blobs[0].data.append(1),
            r"layer 'conv', blob 0: shape \[4, 3, 3, 3\] does not fit its 109 values",
        ),
    ],
)
def test_weights_that_do_not_fit(net, change, message):
    with pytest.raises(ProtofaceError, match=f"w.caffemodel: {message}"):
        with_weights(without_weights(net), changed(net, change), "w.caffemodel")


def test_published_weights_in_another_net(published, net):
    _, weights = published(1)
    with pytest.raises(ProtofaceError, match=r"l1_net.caffemodel: has no weights for layer 'conv'"):
        with_weights(without_weights(net), read_weights(weights), str(weights))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_truncated_file(tmp_path, net, suffix):
    path = tmp_path / f"n{suffix}"
    write_weights(path, net)
    content = path.read_bytes()
    for size in (1, 10, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:size])
        with pytest.raises(ProtofaceError, match=str(path)) as caught:
            with_weights(without_weights(net), read_weights(path), str(path))
        assert "\n" not in str(caught.value)


def test_a_truncated_published_file(tmp_path, published):
    """A cut between two layers leaves a whole message: then a layer is missing."""
    prototxt, weights = published(1)
    content = weights.read_bytes()
    path = tmp_path / "cut.caffemodel"
    for size in (100, 5_000, 500_000, len(content) - 1):
        path.write_bytes(content[:size])
        with pytest.raises(ProtofaceError, match="cut.caffemodel"):
            load_net(prototxt, path)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00",
        b"PK\x03\x04 not a zip",
        b"\x89HDF\r\n\x1a\n",
        b"name: 'text'",
        b"\x80\x04N.",
        b"\xff" * 999,
    ],
)
def test_foreign_and_empty_files(tmp_path, suffix, content):
    path = tmp_path / f"n{suffix}"
    path.write_bytes(content)
    with pytest.raises(ProtofaceError, match=str(path)) as caught:
        read_weights(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_missing_file(tmp_path, suffix):
    with pytest.raises(ProtofaceError, match="No such file"):
        read_weights(tmp_path / f"n{suffix}")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_net_without_parameters(tmp_path, net_of, net, suffix):
    """Caffe writes such files; only a net that needs blobs refuses them."""
    path, plain = tmp_path / f"n{suffix}", net_of(NO_PARAMETERS)
    assert carry(plain, path) == plain
    with pytest.raises(ProtofaceError, match=f"{path}: has no weights for layer 'conv'"):
        with_weights(without_weights(net), read_weights(path), str(path))


def test_a_net_without_parameters_as_caffe_writes_it(tmp_path, net_of):
    """Phase and Splits in the .caffemodel; an empty group for each layer in HDF5 (net.cpp, ToHDF5)."""
    written = caffe_pb2.NetParameter(layer=net_of(NO_PARAMETERS).layer)
    for layer in written.layer:
        layer.phase = caffe_pb2.TEST
    (tmp_path / "n.caffemodel").write_bytes(written.SerializeToString())
    assert [layer.name for layer in read_weights(tmp_path / "n.caffemodel").layer] == ["data", "pool"]
    make_hdf5(
        tmp_path / "n.h5", lambda file: [file.create_group(f"data/{n}") for n in ("data", "pool")]
    )
    assert arrays_of(read_weights(tmp_path / "n.h5"), "n.h5") == {}
    write_weights(tmp_path / "ours.h5", written)
    with h5py.File(tmp_path / "ours.h5") as file:
        assert {name: list(group) for name, group in file["data"].items()} == {"data": [], "pool": []}


def test_a_caffemodel_without_layers_is_foreign(tmp_path):
    path = tmp_path / "n.caffemodel"
    path.write_bytes(b"\xa2\x3e\x04text")  # a field that no NetParameter has
    with pytest.raises(ProtofaceError, match=f"{path}: holds no layers; not a .caffemodel"):
        read_weights(path)


def varint(number):
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])


@pytest.mark.parametrize("length", [2**7, 2**20, 2**31 - 1, 2**31, 2**35, 2**63 - 1])
@pytest.mark.parametrize("tags", [[100], [100, 7], [100, 7, 5], [100, 7, 8], [2], [2, 6, 5]])
def test_lengths_that_lie_in_a_caffemodel(tmp_path, tags, length):
    """Every length on the way down claims more than the file has."""
    content = b""
    for tag in tags:
        content += varint(tag << 3 | 2) + varint(length)
    path = tmp_path / "n.caffemodel"
    path.write_bytes(content + b"\x00" * 50)
    with pytest.raises(ProtofaceError, match="not a .caffemodel, or a truncated one"):
        read_weights(path)


def test_deep_messages_in_a_caffemodel(tmp_path):
    path = tmp_path / "n.caffemodel"
    path.write_bytes((b"\xa2\x06" + b"\x7f") * 100_000)
    with pytest.raises(ProtofaceError, match="not a .caffemodel"):
        read_weights(path)


@pytest.mark.parametrize("dims", [[2**40, 2**40], [10**9], [-1], [0]])
def test_a_shape_that_lies(tmp_path, net, dims):
    lying = changed(net, lambda layers: layers["ip"].blobs[0].shape.dim.__setitem__(slice(0, 2), dims))
    path = tmp_path / "n.caffemodel"
    path.write_bytes(lying.SerializeToString())
    with pytest.raises(
        ProtofaceError, match="layer 'ip', blob 0: shape .* does not fit its 320 values"
    ):
        with_weights(without_weights(net), read_weights(path), str(path))


def test_damaged_bytes_never_crash(tmp_path, net):
    """Random bytes of each format's file overwritten: a ProtofaceError or a net, nothing else."""
    generator = np.random.default_rng(0)
    for suffix, _ in itertools.product(SUFFIXES, range(40)):
        path = tmp_path / f"n{suffix}"
        write_weights(path, net)
        content = bytearray(path.read_bytes())
        for position in generator.integers(0, min(len(content), 400), 5):
            content[position] = generator.integers(256)
        path.write_bytes(content)
        with contextlib.suppress(ProtofaceError):
            with_weights(without_weights(net), read_weights(path), str(path))


def make_hdf5(path, build):
    with h5py.File(path, "w") as file:
        build(file)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda file: file.create_group("model_weights"), "has no group /data"),
        (lambda file: file.create_dataset("data", data=[1.0]), "has no group /data"),
        (lambda file: file.create_dataset("data/a/0", data=["text"]), "not floats"),
        (lambda file: file.create_dataset("data/a/0", data=[1, 2]), "holds int64, not floats"),
        (lambda file: file.create_dataset("data/a/kernel", data=[1.0]), "'a/kernel' is not <layer>/"),
        (lambda file: file.create_dataset("data/0", data=[1.0]), "'0' is not <layer>/"),
        (lambda file: file.create_dataset("data/a/1000", data=[1.0]), "'a/1000' is not <layer>/"),
        (
            lambda file: file.create_dataset("data/a/0", (10**6, 10**6), "f4", chunks=(9, 9)),
            "is not in",
        ),
        (lambda file: file.create_dataset("data/a/0", (10**12,), "f4"), "is not in the file"),
    ],
)
def test_hdf5_files_of_other_kinds(tmp_path, build, message):
    path = tmp_path / "n.caffemodel.h5"
    make_hdf5(path, build)
    with pytest.raises(ProtofaceError, match=f"{path}: .*{message}"):
        read_weights(path)


def test_hdf5_leads_to_no_other_file(tmp_path):
    make_hdf5(tmp_path / "other.h5", lambda file: file.create_dataset("0", data=[1.0]))
    path = tmp_path / "n.h5"
    make_hdf5(path, lambda file: file.__setitem__("data/a", h5py.ExternalLink("other.h5", "/")))
    with h5py.File(path) as file:
        assert file["data/a/0"][0] == 1  # h5py would follow it
    with pytest.raises(ProtofaceError, match=r"n.h5: /data holds a link, which may lead into another"):
        read_weights(path)


def test_compressed_hdf5_is_read(tmp_path):
    path = tmp_path / "n.caffemodel.h5"
    zeros = np.zeros((200, 300), np.float32)
    make_hdf5(path, lambda file: file.create_dataset("data/a/0", data=zeros, compression="gzip"))
    assert arrays_of(read_weights(path), "n")["a.0"].shape == (200, 300)


ONES = torch.ones(10**5)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (torch.zeros(3), "holds no state dict"),
        ({"model": {"a.0": torch.zeros(1)}}, "'model' is not <layer>.<blob index>"),
        ({"a.weight": torch.zeros(1)}, "'a.weight' is not <layer>.<blob index>"),
        ({"0": torch.zeros(1)}, "'0' is not <layer>.<blob index>"),
        ({5: torch.zeros(1)}, "'5' is not <layer>.<blob index>"),
        ({"a.0": 1.5}, "'a.0' is no tensor"),
        ({"a.0": torch.zeros(2, dtype=torch.int64)}, "'a.0' holds int64"),
        ({"a.0": torch.zeros(2, dtype=torch.bfloat16)}, "'a.0' holds bfloat16"),
        ({"a.0": torch.zeros(1).expand(10**9, 10**9)}, "'a.0' is no plain tensor"),
        ({"a.0": torch.eye(3).to_sparse()}, "it holds torch._utils._rebuild_sparse_tensor"),
        ({f"{i}.0": ONES for i in range(20)}, "its tensors take 8,000,000 bytes"),
    ],
)
def test_pytorch_files_of_other_kinds(tmp_path, content, message):
    torch.save(content, tmp_path / "n.pt")
    with pytest.raises(ProtofaceError, match=f"n.pt: .*{message}"):
        read_weights(tmp_path / "n.pt")


def test_formats():
    for name, kind in {
        "a.caffemodel": 0,
        "A.CAFFEMODEL": 0,
        "a.caffemodel.h5": 1,
        "a.h5": 1,
        "a.b.pt": 2,
    }.items():
        assert weights_format(name) == SUFFIXES[kind]
    for name in ("a.onnx", "a.prototxt", "a", "caffemodel", "a.pth"):
        with pytest.raises(ProtofaceError, match=f"{name}: unknown suffix"):
            weights_format(name)


def test_a_failed_write_leaves_what_was_there(tmp_path, net):
    path = tmp_path / "n.caffemodel.h5"
    write_weights(path, net)
    before = path.read_bytes()
    net.layer[1].blobs[0].data.append(1)
    with pytest.raises(ProtofaceError, match="does not fit"):
        write_weights(path, net)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]

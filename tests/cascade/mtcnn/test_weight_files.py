"""Weights files in all layouts: read, written, converted; folders that are models."""

import os
import re

import numpy as np
import pytest
import torch

from protoface.cascade.definition import read_definition
from protoface.cascade.mtcnn.weight_files import (
    convert_file,
    convert_folder,
    find_files,
    loaded_nets,
    read_mtcnn,
    read_three,
)
from protoface.cascade.mtcnn.weight_layouts import FOLDER, NETS
from protoface.converters import ProtofaceError, load_net, read_weights
from protoface.converters.ends import Blobs
from protoface.converters.pytorch import to_pytorch
from protoface.converters.weights import write_weights

from .random_weights import (
    DET,
    SIZES,
    caffe_arrays,
    caffe_forward,
    facenet_state,
    write_caffe,
    write_three,
)


@pytest.fixture
def det(tmp_path):
    return write_three(tmp_path / "det")


def blobs(path):
    return {
        layer.name: [tuple(blob.data) for blob in layer.blobs]
        for layer in read_weights(path).layer
        if layer.blobs
    }


def test_from_caffe_to_facenet_and_back(det, tmp_path):
    """Through both of the others: every value is where it was."""
    convert_folder(det, tmp_path / "ours")
    convert_folder(tmp_path / "ours", tmp_path / "pt", "facenet")
    for name in NETS:
        state = torch.load(tmp_path / "pt" / f"{name}.pt", weights_only=True)
        expected = facenet_state(name, caffe_arrays(name, NETS.index(name)))
        assert state.keys() == expected.keys()
        assert all(torch.equal(state[key], tensor) for key, tensor in expected.items())
    convert_folder(tmp_path / "pt", tmp_path / "again")
    convert_folder(tmp_path / "ours", tmp_path / "back", "caffe")
    for name, file in DET.items():
        assert blobs(tmp_path / "back" / f"{file}.caffemodel") == blobs(det / f"{file}.caffemodel")
        kept = blobs(tmp_path / "ours" / f"{name}.caffemodel")
        kept.pop("conv5-3", None)
        assert blobs(tmp_path / "again" / f"{name}.caffemodel") == kept


@pytest.mark.parametrize("name", NETS)
def test_files_of_2014_and_before_pytorch_1_6(name, tmp_path):
    arrays = caffe_arrays(name)
    write_caffe(tmp_path / "old.caffemodel", arrays, old_shapes=True)
    torch.save(facenet_state(name, arrays), tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    write_caffe(tmp_path / "new.caffemodel", arrays)
    read = [read_mtcnn(tmp_path / file) for file in ("new.caffemodel", "old.caffemodel", "old.pt")]
    assert [one.layout.name for one in read] == ["caffe", "caffe", "facenet"]
    for one in read:
        assert one.name == name
        write_weights(tmp_path / "ours.caffemodel", one.net)
        found = blobs(tmp_path / "ours.caffemodel")
        found.pop("conv5-3", None)
        if one is read[0]:
            first = found
        assert found == first


@pytest.mark.parametrize("suffix", [".caffemodel", ".caffemodel.h5", ".pt"])
def test_one_file_in_every_format(suffix, tmp_path):
    write_caffe(tmp_path / "det2.caffemodel", caffe_arrays("rnet"))
    out = tmp_path / f"rnet{suffix}"
    convert_file(tmp_path / "det2.caffemodel", out)
    x = torch.randn(3, 3, 24, 24)
    module = to_pytorch(load_net(FOLDER / "rnet" / "deploy.prototxt", out), "rnet").eval()
    expected = caffe_forward("rnet", caffe_arrays("rnet"), x.transpose(2, 3))
    torch.testing.assert_close(module.blobs(x)["box"].detach(), expected[1], rtol=1e-4, atol=1e-5)
    again = tmp_path / "again.caffemodel"
    convert_file(out, again, "caffe")
    found, wanted = blobs(again), blobs(tmp_path / "det2.caffemodel")
    assert found == wanted


@pytest.mark.parametrize("name", NETS)
def test_onnx(name, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    write_caffe(tmp_path / "det.caffemodel", caffe_arrays(name))
    convert_file(tmp_path / "det.caffemodel", tmp_path / "n.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "n.onnx", providers=["CPUExecutionProvider"])
    x = np.random.default_rng(0).normal(size=(2, 3, SIZES[name], SIZES[name])).astype(np.float32)
    found: Blobs = dict(
        zip((one.name for one in session.get_outputs()), session.run(None, {"data": x}), strict=True)
    )
    turned = torch.from_numpy(x).transpose(2, 3)
    logits, box, *_ = caffe_forward(name, caffe_arrays(name), turned)
    np.testing.assert_allclose(found["score"], logits.softmax(1), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found["box"], box, rtol=1e-4, atol=1e-5)


def test_the_folder_is_a_model(det, tmp_path):
    written = convert_folder(det, tmp_path / "model")
    assert sorted(os.listdir(tmp_path / "model")) == sorted(path.name for path in written)
    definition = read_definition(tmp_path / "model" / "cascade.prototxt")
    assert [stage.weights for stage in definition.stage] == [f"{name}.caffemodel" for name in NETS]
    assert read_definition(FOLDER / "cascade.prototxt").stage[0].net == "pnet/deploy.prototxt"


def test_three_files_in_any_order(det):
    files = [det / f"{file}.caffemodel" for file in ("det3", "det1", "det2")]
    assert [one.name for one in read_three(files)] == list(NETS)
    assert [net.name for net in loaded_nets(read_three(det))] == list(NETS)


def test_the_folder_of_the_package_of_facenet_pytorch(det, tmp_path):
    convert_folder(det, tmp_path / "facenet_pytorch" / "data", "facenet")
    found = find_files(tmp_path / "facenet_pytorch")
    assert [path.name for path in found] == ["pnet.pt", "rnet.pt", "onet.pt"]


def test_wrong_sources(det, tmp_path):
    one = det / "det1.caffemodel"
    with pytest.raises(ProtofaceError, match="there are no weights of rnet, onet; give all three"):
        read_three([one])
    with pytest.raises(ProtofaceError, match=r"det1.caffemodel: holds weights of pnet, as .* does"):
        read_three([one, one])
    with pytest.raises(ProtofaceError, match="has not all three files of MTCNN's weights: pnet, rnet"):
        read_three(tmp_path)
    with pytest.raises(ProtofaceError, match="nowhere.pt: No such file"):
        read_mtcnn(tmp_path / "nowhere.pt")
    with pytest.raises(ProtofaceError, match="unknown suffix"):
        read_mtcnn(tmp_path / "a.bin")
    with pytest.raises(ProtofaceError, match="layout 'matlab' is unknown; there are protoface, caffe"):
        convert_folder(det, tmp_path / "x", "matlab")
    assert not (tmp_path / "x").exists()


def test_weights_of_another_net(tmp_path, shared):
    with pytest.raises(
        ProtofaceError, match="is none of MTCNN's three nets, in no layout of protoface"
    ):
        read_mtcnn(shared / "original" / "l1_net.caffemodel")


def test_a_state_dict_of_another_net(tmp_path):
    torch.save({"conv1.weight": torch.ones(2), "bn.running_mean": torch.ones(2)}, tmp_path / "n.pt")
    with pytest.raises(ProtofaceError, match="'bn.running_mean' is no weight of MTCNN's nets"):
        read_mtcnn(tmp_path / "n.pt")


def test_no_file_that_is_read_is_written(det, tmp_path):
    before = (det / "det1.caffemodel").read_bytes()
    with pytest.raises(ProtofaceError, match=re.escape(str(det / "det1.caffemodel"))):
        convert_file(det / "det1.caffemodel", det / "det1.caffemodel")
    with pytest.raises(ProtofaceError, match="det1.caffemodel"):
        convert_folder(det, det, "caffe")
    assert (det / "det1.caffemodel").read_bytes() == before


def test_onnx_has_one_layout(det, tmp_path):
    with pytest.raises(ProtofaceError, match="an ONNX file holds the upright net; leave out --to"):
        convert_file(det / "det1.caffemodel", tmp_path / "n.onnx", "caffe")

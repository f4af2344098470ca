"""What is fuzzed: every reader of bytes, with small valid files to start from.

A target takes the bytes of a file and returns, or raises ProtofaceError; nothing else may happen. The
file lies in a folder with what it may name: nets, weights, pictures, links that lead elsewhere.
"""

from __future__ import annotations

import atexit
import os
import random
import re
import shutil
import tempfile
import warnings
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import cv2
import numpy as np
import onnx

from protoface.cascade import cascade_pb2
from protoface.cascade.definition import FILE, load_nets, read_definition
from protoface.cascade.layouts import read_layout
from protoface.cascade.lists import read_boxes, read_list
from protoface.cascade.pictures import read_picture
from protoface.converters import ProtofaceError, build_graph, caffe_pb2, read_net, read_weights, to_onnx
from protoface.converters.layers import layer_types
from protoface.converters.net_summary import as_json, as_text, summarise
from protoface.converters.onnx_import import from_onnx, read_onnx
from protoface.converters.operators import operators
from protoface.converters.part import WHOLE, take_part
from protoface.converters.prototxt import parse_message, to_text
from protoface.converters.upgrade import upgrade
from protoface.converters.weights import arrays_of, with_arrays, without_weights, write_weights
from protoface.eval.datasets.dataset import list_set, read_dataset
from protoface.trainers.data.image_data import read_image_list
from protoface.trainers.recipe import recipe_pb2
from protoface.trainers.recipe.recipe import read_recipe
from protoface.trainers.solver.snapshot import State, read_state, write_state
from protoface.trainers.solver.solver_file import read_solver, test_nets, train_net

from ..constant_cascade import CASCADE, FIRST, NET, SIMILARITY, SQUARE, constant_weights

#: A file of this name is written for every case, in memory where the system allows it.
FILES = {
    "prototxt": "case.prototxt",
    "caffemodel": "case.caffemodel",
    "hdf5": "case.h5",
    "pytorch": "case.pt",
    "onnx": "case.onnx",
    "cascade": FILE,
    "recipe": "recipe.prototxt",
    "solver": "solver.prototxt",
    "layout": "layout.prototxt",
    "list": "list.txt",
    "celeba": "list_landmarks_celeba.txt",
    "partition": "list_eval_partition.txt",
    "landmarks68": "landmarks68.csv",
    "wflw": "list_98pt_rect_attr_test.txt",
    "wider": "wider_face_val_bbx_gt.txt",
    "pts": "case.pts",
    "picture": "case.jpg",
    "solverstate": "case.solverstate",
    "solverstate_hdf5": "case.solverstate.h5",
}
#: Targets of protobuf text, whose messages are put into each other.
TEXTS = ("prototxt", "cascade", "recipe", "solver", "layout")
SHARED_MEMORY = Path("/dev/shm")
#: Values of fields that readers stumble over.
VALUES = (
    "nan", "-inf", "1e39", "0", "-1", "4294967295", "-2147483648", "9223372036854775807", "1e-45",
    '""', '"../../x"', '"/etc/passwd"', '"link"', '"door/etc/passwd"', '"."', '"a\\000b"', '"\\377"',
    "true", '"level_1"', '"net.prototxt"', "[]", "[1, nan]", "{}",
)  # fmt: skip

NETS = (
    """name: 'a'
layer { name: 'i' type: 'Input' top: 'x' input_param { shape { dim: [1, 3, 8, 8] } } }
layer { name: 'c' type: 'Convolution' bottom: 'x' top: 'c' param { name: 'w' lr_mult: 1 }
        convolution_param { num_output: 4 kernel_size: 3 pad: 1 stride: 2 dilation: 1 group: 1 } }
layer { name: 'b' type: 'BatchNorm' bottom: 'c' top: 'c' }
layer { name: 's' type: 'Scale' bottom: 'c' top: 'c' scale_param { bias_term: true } }
layer { name: 'r' type: 'ReLU' bottom: 'c' top: 'c' relu_param { negative_slope: 0.1 } }
layer { name: 'p' type: 'Pooling' bottom: 'c' top: 'p'
        pooling_param { pool: AVE kernel_size: 2 stride: 2 pad: 1 } }
layer { name: 'f' type: 'InnerProduct' bottom: 'p' top: 'f' inner_product_param { num_output: 2 } }
layer { name: 'z' type: 'Softmax' bottom: 'f' top: 'z' include { phase: TEST stage: 'deploy' } }
layer { name: 'l' type: 'SoftmaxWithLoss' bottom: 'f' bottom: 'y' top: 'l' include { phase: TRAIN } }
""",
    """input: 'x' input_dim: 1 input_dim: 4 input_dim: 6 input_dim: 6
layers { name: 'c' type: CONVOLUTION bottom: 'x' top: 'c' blobs_lr: 1 weight_decay: 0
         convolution_param { num_output: 4 kernel_h: 1 kernel_w: 3 bias_term: false } }
layers { name: 'e' type: ELTWISE bottom: 'c' bottom: 'c' top: 'e' eltwise_param { operation: MAX } }
layers { name: 'k' type: CONCAT bottom: 'c' bottom: 'e' top: 'k' concat_param { concat_dim: 1 } }
layers { name: 'p' type: POOLING bottom: 'k' top: 'p' pooling_param { pool: MAX kernel_size: 2 } }
""",
)

#: Operators that read constants, which a mutation will hardly find out.
GRAPHS = (
    "(float[4,2,3] x) => (float y) <float[1,4,3] w = {0,1,2,3,4,5,6,7,8,9,1,2}, "
    "float[1,4,1] r = {1,2,3,4}, float[1,8] b = {1,2,3,4,5,6,7,8}> { y = LSTM(x, w, r, b) }",
    "(float[1,2] x) => (float y) <float[3,2] t = {0,1,2,3,4,5}> { i = Cast<to=7>(x) y = Gather(t, i) }",
    "(float[1,4,6,6] x) => (float y) <int64[2] i = {1,2}> { y = Gather<axis=1>(x, i) }",
    "(float[1,4,6,6] x) => (float y) <float[4] s = {1,1,1.5,2}> "
    '{ y = Resize<mode="linear">(x, "", s) }',
    "(float[1,1,6,6] x) => (float y) <float[1,1,2,2] w = {1,2,3,4}> "
    "{ y = ConvTranspose<strides=[2,2],pads=[1,0,1,1],output_padding=[1,0]>(x, w) }",
    "(float[1,2] x) => (float y) <int64[2] h = {9,2}, float f = {1}, float[2,2] m = {1,2,3,4}> "
    "{ a = Expand(f, h) b = Gemm(x, m) y = Concat(b, a) }",
)


SOLVER = """net: 'train.prototxt' type: 'Adam' base_lr: 0.001 momentum: 0.9 momentum2: 0.999
weight_decay: 0.0004 regularization_type: 'L2' lr_policy: 'multistep' gamma: 0.1 stepvalue: 8
stepvalue: 10 max_iter: 12 display: 5 test_iter: 2 test_interval: 6 snapshot: 5 snapshot_prefix: 'out/n'
snapshot_format: HDF5 random_seed: 3 iter_size: 2 clip_gradients: 3 solver_mode: CPU
"""
TRAIN = """layer { name: 'd' type: 'ImageData' top: 'x' top: 'y'
        image_data_param { source: 'l' batch_size: 2 } }
layer { name: 'f' type: 'InnerProduct' bottom: 'x' top: 'f' inner_product_param { num_output: 2 } }
layer { name: 'l' type: 'EuclideanLoss' bottom: 'f' bottom: 'y' top: 'l' }
"""
RECIPE = """name: "small" cascade: "cascade.prototxt" seed: 1
data { folder: "faces" partition: "train" weight: 2 } synthetic { count: 5 views: 2 stage: "level_1" }
validation { folder: "faces" partition: "val" } epochs_factor: 0.5
training { batch_size: 8 epochs: 8 loss { type: WING } augment { shift: 0.1 } scatter { aspect: 0.1 } }
stage { name: "level_2" training { base_lr: 0.01 jitter { factor: 1 least_factor: 0.5 } } }
"""
LAYOUT = """name: "two" point { name: "a" flip: "b" group: "eyes" }
point { name: "b" flip: "a" group: "eyes" }
distance { name: "inter_ocular" a: "a" b: "b" }
conversion { to: "one" point { of: "a" of: "b" weight: 0.5 weight: 0.5 } }
"""
VIEWS = """name: "views" layout: "celeba5"
stage { name: "a" onnx: "n.onnx" view { blob: "x" pixels { preprocess { size: 8 } window { box { } } } }
        answer { blob: "y" points { } } flip_average: true }
file { path: "net.prototxt" sha256: "00" } notice: "for tests"
"""


def read_prototxt(path: Path) -> None:
    """`protoface layers` and the graph of a deployed net."""
    net = read_net(path)
    found = summarise(net)
    as_text(found)
    as_json(found)
    build_graph(take_part(net, WHOLE, path), str(path))


def read_arrays(path: Path) -> None:
    """All arrays of a weights file."""
    arrays_of(read_weights(path), str(path))


def read_model(path: Path) -> None:
    """The Caffe net of an ONNX model."""
    from_onnx(read_onnx(path), str(path))


def read_cascade(path: Path) -> None:
    """A cascade with its nets, as far as they are there."""
    load_nets(read_definition(path), path.parent)


def read_training(path: Path) -> None:
    """A solver with its nets."""
    solver = read_solver(path)
    train_net(solver, str(path))
    test_nets(solver, str(path))


def read_lists(path: Path) -> None:
    """A list as each of the readers takes it."""
    readers = (
        lambda: read_list(path, 10),
        lambda: read_boxes(path),
        lambda: read_image_list(str(path)),
    )
    errors = []
    for read in readers:
        try:
            read()
        except ProtofaceError as error:
            errors.append(error)
    if len(errors) == len(readers):
        raise errors[0]


def read_set(path: Path) -> None:
    """The annotated set whose list it is."""
    read_dataset(path.parent)


def read_box_set(path: Path) -> None:
    """The set of pictures with boxes whose list it is."""
    list_set(path.parent)


TARGETS: dict[str, Callable[[Path], object]] = {
    "prototxt": read_prototxt,
    "caffemodel": read_arrays,
    "hdf5": read_arrays,
    "pytorch": read_arrays,
    "onnx": read_model,
    "cascade": read_cascade,
    "recipe": read_recipe,
    "solver": read_training,
    "layout": read_layout,
    "list": read_lists,
    "celeba": read_set,
    "partition": read_set,
    "landmarks68": read_set,
    "wflw": read_set,
    "wider": read_box_set,
    "pts": read_set,
    "picture": read_picture,
    "solverstate": read_state,
    "solverstate_hdf5": read_state,
}


def run(target: str, content: bytes) -> bool:
    """Read `content` as a file of the target's kind; whether it was accepted."""
    path = place(target) / FILES[target]
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = Path.cwd()
        os.chdir(path.parent)  # nets of solvers are relative to it
        try:
            TARGETS[target](path)
        except ProtofaceError as error:
            if len(str(error).splitlines()) != 1:
                raise ValueError("an error of several lines") from error
            return False
        finally:
            os.chdir(before)
    return True


@cache
def place(target: str) -> Path:
    """A folder with all that a case may name. It is kept for all cases of a process."""
    folder = Path(tempfile.mkdtemp(dir=SHARED_MEMORY if SHARED_MEMORY.is_dir() else None))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "net.prototxt").write_text(NET)
    (folder / "train.prototxt").write_text(TRAIN)
    for name in ("one", "two"):
        constant_weights(folder / f"{name}.caffemodel", FIRST)
    (folder / FILE).write_text(CASCADE)
    (folder / "link").symlink_to("/etc/passwd")
    (folder / "door").symlink_to("/")
    if target == "partition":
        (folder / FILES["celeba"]).write_bytes(seeds("celeba")[0])
    for name in ("a.jpg", "case.jpg", "000001.jpg"):
        cv2.imwrite(str(folder / name), np.zeros((8, 8, 3), np.uint8))
    return folder


def seeds(target: str) -> list[bytes]:
    """Small valid files."""
    return _SEEDS[target](target)


def _prototxt_seeds(target: str) -> list[bytes]:
    return [*(text.encode() for text in NETS), *_one_of_each_layer()]


def _model_seeds(target: str) -> list[bytes]:
    models = [to_onnx(net, "seed").SerializeToString() for net in _filled()]
    return models + _one_of_each_operator()


def _weight_seeds(target: str) -> list[bytes]:
    return [_written(target, partial(write_weights, net=net)) for net in _filled()]


def _text_seeds(target: str) -> list[bytes]:
    texts = {
        "cascade": (CASCADE, CASCADE.replace(SQUARE, SIMILARITY), VIEWS),
        "recipe": (RECIPE, 'like: "recipe.prototxt"', RECIPE + 'start: "."'),
        "solver": (SOLVER, SOLVER.replace("net: 'train.prototxt'", f"train_net_param {{ {TRAIN} }}")),
        "layout": (LAYOUT,),
        "list": (
            "2\nname x y\na.jpg 1 2 3 4\nb c.jpg 1 2 3 4\n",
            "a.jpg 1 2 3 4 5 6 7 8 9 10\nsub/b.jpg 1 2 3 4 5 6 7 8 9 1e1\n",
        ),
        "celeba": ("a.jpg 1 2 3 4 5 6 7 8 9 10\n000001.jpg 1 2 3 4 5 6 7 8 9 10.5\n",),
        "partition": ("a.jpg 0\n000001.jpg 2\nb.jpg 1\n",),
        "landmarks68": ("a.jpg" + ",1.5,2" * 68 + "\n",),
        "wider": ("x/a.jpg\n1\n1 2 3.5 4 0 0 1 0 2 1\nx/b.jpg\n0\n" + "0 " * 10 + "\n",),
        "wflw": ("1 2 " * 98 + "1 2 3 4 0 1 0 1 0 1 a.jpg\n",),
        "pts": ("version: 1\nn_points: 68\n{\n" + "1.5 2\n" * 68 + "}\n",),
    }
    return [text.encode() for text in texts[target]]


def _picture_seeds(target: str) -> list[bytes]:
    image = np.random.default_rng(0).integers(0, 256, (9, 12, 3), np.uint8)
    kinds = (".jpg", ".png", ".bmp", ".tiff", ".webp", ".ppm")
    colour = [cv2.imencode(kind, image)[1].tobytes() for kind in kinds]
    return colour + [cv2.imencode(kind, image[..., 0])[1].tobytes() for kind in kinds[:-1]]


def _state_seeds(target: str) -> list[bytes]:
    arrays = [np.ones((2, 3), np.float32), np.ones(2, np.float32)]
    states = (State(3, 1, "n.caffemodel", arrays, {"seed": 1}), State(0, 0, "n", [], None))
    return [_written(target, partial(write_state, state=state)) for state in states]


def _written(target: str, write: Callable[[Path], object]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FILES[target]
        write(path)
        return path.read_bytes()


_SEEDS: dict[str, Callable[[str], list[bytes]]] = {
    **dict.fromkeys(TARGETS, _text_seeds),
    "prototxt": _prototxt_seeds,
    **dict.fromkeys(("caffemodel", "hdf5", "pytorch"), _weight_seeds),
    "onnx": _model_seeds,
    "picture": _picture_seeds,
    **dict.fromkeys(("solverstate", "solverstate_hdf5"), _state_seeds),
}


def words(target: str) -> list[str]:
    """What a mutation may put in: names of layers and fields, or of operators."""
    if target == "onnx":
        return list(operators())
    schemas = {"prototxt": caffe_pb2.NetParameter, "solver": caffe_pb2.SolverParameter}
    schemas |= {"cascade": cascade_pb2.CascadeParameter, "layout": cascade_pb2.LayoutParameter}
    schemas["recipe"] = recipe_pb2.RecipeParameter
    if target not in schemas:
        return []
    messages = schemas[target].DESCRIPTOR.file.message_types_by_name.values()
    fields = {field.name for message in messages for field in message.fields}
    return sorted({*fields, *(layer_types() if target == "prototxt" else ())})


def mutated(content: bytes, generator: random.Random) -> bytes:
    """A change that a fuzzer of bytes hardly finds: of text, whole messages and values.

    A message is doubled, put into itself many times over, or a value is changed for one of VALUES.
    """
    text = content.decode("utf-8", "replace")
    opens = [found.start() for found in re.finditer(r"\w+\s*[{<]", text)]
    values = [found.span(1) for found in re.finditer(r":\s*([^\s{}]+)", text)]
    change = generator.choice(("double", "nest", "value", "value"))
    if change == "value" and values:
        start, end = generator.choice(values)
        text = text[:start] + generator.choice(VALUES) + text[end:]
    elif opens:
        start = generator.choice(opens)
        end = _end(text, start)
        message, times = text[start:end], generator.choice((2, 40, 300))
        head = message[: message.find("{") + 1] or "a {"
        more = message * times if change == "double" else head * times + message + "}" * times
        text = text[:start] + more + text[end:]
    return text.encode()


def _end(text: str, start: int) -> int:
    """Behind the bracket that closes the first one from `start` on."""
    depth = 0
    for position in range(start, len(text)):
        depth += (text[position] in "{<") - (text[position] in "}>")
        if depth == 0 and text[position] in "}>":
            return position + 1
    return len(text)


def _filled() -> list[caffe_pb2.NetParameter]:
    filled = []
    for net in (take_part(_net(text), WHOLE, "seed") for text in NETS):
        graph = build_graph(net, "seed")
        specs = graph.blob_specs().items()
        arrays = {key: np.ones(spec.shape, np.float32) for key, spec in specs}
        filled.append(with_arrays(net, graph, arrays))
    return filled


def _net(text: str) -> caffe_pb2.NetParameter:
    return upgrade(parse_message(text, caffe_pb2.NetParameter(), "seed"), "seed")


def _one_of_each_layer() -> list[bytes]:
    contents = []
    for kind in layer_types():
        net = _net(
            "layer { name: 'i' type: 'Input' top: 'x' input_param { shape { dim: [1, 4, 6, 6] } } }"
        )
        net.layer.add(name="l", type=kind, bottom=["x"], top=["y"])
        contents.append(to_text(without_weights(net)).encode())
    return contents


def _one_of_each_operator() -> list[bytes]:
    contents = []
    bare = (f"(float[1,4,6,6] x) => (float y) {{ y = {name}(x) }}" for name in operators())
    for text in (*bare, *GRAPHS):
        model = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]> g {text}')
        contents.append(model.SerializeToString())
    return contents

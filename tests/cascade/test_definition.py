"""Reading cascades: the packaged one, and errors that name file, line or stage."""

import shutil
from pathlib import Path

import pytest

from protoface.cascade import ProtofaceError, cascade_pb2, load
from protoface.cascade.definition import find_definition, read_definition

from ..constant_cascade import CASCADE, SIMILARITY, SQUARE

ROOT = Path(__file__).parents[2]


def test_the_packaged_cascade_says_what_the_original_did():
    definition = read_definition(find_definition("original"))
    first, second = definition.stage
    assert [point.name for point in definition.point] == [
        "left_eye", "right_eye", "nose", "left_mouth", "right_mouth"
    ]  # fmt: skip
    flips = [point.flip for point in definition.point]
    assert flips == ["right_eye", "left_eye", "", "right_mouth", "left_mouth"]
    assert first.window.WhichOneof("kind") == "picture"
    square = second.window.square
    assert (square.around, square.k, square.a, square.b) == ("nose", 4, "nose", "left_eye")
    for stage in (first, second):
        assert list(stage.preprocess.mean) == [127.5]
        assert list(stage.preprocess.size) == [48]
        assert stage.preprocess.color_order == cascade_pb2.PreprocessParameter.BGR
        assert stage.preprocess.interpolation == cascade_pb2.PreprocessParameter.LINEAR


def test_a_cascade_is_found_by_name_file_and_folder(folder):
    assert find_definition("original").parent.name == "prototxt"
    assert find_definition(folder) == find_definition(folder / "cascade.prototxt")
    assert find_definition(str(folder)).is_file()


def test_weights_may_be_any_of_the_formats(folder):
    from protoface.converters import convert

    for suffix in (".pt", ".caffemodel.h5"):
        convert(folder / "net.prototxt", folder / "two.caffemodel", folder / f"two{suffix}")
        given = [folder / "one.caffemodel", folder / f"two{suffix}"]
        assert load(folder, weights=given).name == "constant"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("picture {}", "picture {", r"cascade.prototxt: line \d+: "),
        ('net: "net.prototxt"', 'nett: "x"', r'line 9: .*no field named "nett"'),
        (
            "window { picture {} }",
            "",
            "stage 'level_1': needs a kind of window: box, picture, similarity or square",
        ),
        ("window { picture {} }", SQUARE, "'level_1': the first stage's window needs points"),
        ("picture {}", 'square { around: "nose" }', "stage 'level_1': no point is named ''; there are"),
        ('a: "nose"', 'a: "chin"', "stage 'level_2': no point is named 'chin'"),
        ("k: 4", "k: 0", "stage 'level_2': k is 0.0, it must be positive"),
        (
            SQUARE,
            "window { similarity {} }",
            "'level_2': needs a shape of 5 points, not all of them in",
        ),
        (SQUARE, SIMILARITY.replace("x: 0.4", "x: nan"), "'level_2': needs a shape of 5 points"),
        (SQUARE, SIMILARITY.replace("} } }", "} patch: 2 } }"), "patch is 2, it must be above 0"),
        (
            "window { picture {} }",
            SIMILARITY,
            "'level_1': the first stage's window needs points",
        ),
        ('flip: "right_eye"', 'flip: "chin"', "point 'left_eye': no point is named 'chin'"),
        ('name: "nose"', 'name: "left_eye"', "needs points with different names"),
        (
            "mean: 127.5 size: 8",
            "mean: [1, 2] size: 8",
            "one or two values of size, and none, one or three",
        ),
        ("mean: 127.5 size: 8", "mean: 1", "one or two values of size"),
        ('name: "level_1"', "", "number 1 needs a name, and either a net or an ONNX file"),
    ],
)
def test_mistakes_are_named(old, new, message, folder):
    file = folder / "cascade.prototxt"
    assert old in CASCADE
    file.write_text(CASCADE.replace(old, new, 1))
    with pytest.raises(ProtofaceError, match=message):
        load(folder)


def test_missing_files_are_named_with_the_remedy(folder):
    with pytest.raises(ProtofaceError, match=r"nowhere: no such cascade; give a cascade.prototxt"):
        load("nowhere")
    with pytest.raises(
        ProtofaceError, match=r"3 weights for the 2 stages of 'constant': level_1, level_2"
    ):
        load(folder, weights=["a", "b", "c"])
    (folder / "two.caffemodel").unlink()
    with pytest.raises(ProtofaceError, match=r"two.caffemodel: no weights for level_2 .*--weights"):
        load(folder)
    (folder / "net.prototxt").unlink()
    with pytest.raises(ProtofaceError, match=r"net.prototxt: No such file"):
        load(folder, weights=[folder / "one.caffemodel"] * 2)


def test_the_original_without_weights_says_what_to_do():
    with pytest.raises(ProtofaceError, match=r"level_1.caffemodel: no weights .* train them"):
        load("original")


def test_compiled_schema_is_current(tmp_path):
    protoc = pytest.importorskip("grpc_tools.protoc", reason="needs grpcio-tools")
    shutil.copy(ROOT / "cascade" / "cascade.proto", tmp_path)
    made = [f"--descriptor_set_out={tmp_path}/cascade.desc", f"--pyi_out={tmp_path}"]
    assert protoc.main(["protoc", f"-I{tmp_path}", *made, f"{tmp_path}/cascade.proto"]) == 0
    for name in ("cascade.desc", "cascade_pb2.pyi"):
        committed = (ROOT / "cascade" / name).read_bytes()
        assert (tmp_path / name).read_bytes() == committed, "run make proto"

"""Reading cascades: the packaged one, and errors that name file, line or stage."""

import os
import shutil
import time
from pathlib import Path

import pytest

from protoface.cascade import ProtofaceError, cascade_pb2, load
from protoface.cascade.definition import find_definition, read_definition
from protoface.cli import protoface, run

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
        ("k: 4", "k: nan", r"cascade.prototxt: line \d+: k is not a finite number"),
        ("mean: 127.5", "scale: inf mean: 127.5", r"line \d+: scale is not a finite number"),
        ("mean: 127.5", "mean: [1, nan, 1e39]", r"line \d+: mean is not a finite number"),
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
            "mean has 2 values; give one, 3",
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


@pytest.mark.parametrize(
    "name",
    ["../x", "/tmp/x", "a/b", "a\\\\b", ".x", "..", "a b", "a\\nb", "a\\0b", "\\033[31m", "x" * 200],
)
def test_names_that_are_no_files(name, folder):
    file = folder / "cascade.prototxt"
    file.write_text(CASCADE.replace("level_2", name))
    with pytest.raises(
        ProtofaceError, match=r"cascade.prototxt: stage number 2: the name '.*' becomes"
    ):
        read_definition(file)


@pytest.fixture
def secret(folder, tmp_path_factory):
    """A file elsewhere, in a folder of its own, and links to it and to that folder."""
    path = tmp_path_factory.mktemp("elsewhere") / "secret"
    path.write_text("root: hunter2\n")
    (folder / "link").symlink_to(path)
    (folder / "door").symlink_to(path.parent)
    return path


FIELDS = [
    ('net: "net.prototxt"', 'net: "{}"'),
    ('weights: "one.caffemodel"', 'weights: "{}"'),
    ('net: "net.prototxt" weights: "one.caffemodel"', 'onnx: "{}"'),
    ('name: "constant"', 'name: "constant" file {{ path: "{}" sha256: "0" }}'),
]


@pytest.mark.parametrize(("old", "new"), FIELDS)
@pytest.mark.parametrize("way", ["absolute", "up", "link", "door", "up_and_down"])
def test_files_that_are_not_in_the_folder(old, new, way, folder, secret, capsys):
    name = {
        "absolute": str(secret),
        "up": os.path.relpath(secret, folder),
        "link": "link",
        "door": "door/secret",
        "up_and_down": f"../{folder.name}/net.prototxt",
    }[way]
    file = folder / "cascade.prototxt"
    assert old in CASCADE
    file.write_text(CASCADE.replace(old, new.format(name), 1))
    for read in (load, read_definition):
        with pytest.raises(ProtofaceError, match=r"is not in the folder .*--outside") as caught:
            read(file)
        assert "root" not in str(caught.value).replace(name, "").replace(str(folder), "")
    assert run(protoface, ["bench", "--model", str(folder), "--runs", "1"]) == 2
    shown = capsys.readouterr().err
    assert "hunter2" not in shown
    assert "--outside" in shown


def test_files_outside_that_the_user_trusts(folder, tmp_path_factory, capsys):
    """They load by `outside`, by `--outside`, and if the user names them himself."""
    away = tmp_path_factory.mktemp("away")
    for name in ("net.prototxt", "one.caffemodel"):
        (folder / name).rename(away / name)
        (folder / name).symlink_to(away / name)
    text = CASCADE.replace('"two.caffemodel"', f'"{folder}/two.caffemodel"')
    (folder / "cascade.prototxt").write_text(text)
    with pytest.raises(ProtofaceError, match="is not in the folder"):
        load(folder)
    assert load(folder, outside=True).name == "constant"
    assert run(protoface, ["pack", "--model", str(folder), "--out", str(away / "p")]) == 2
    assert run(protoface, ["pack", "--model", str(folder), "--out", str(away / "p"), "--outside"]) == 0
    assert load(away / "p").name == "constant"
    capsys.readouterr()


def test_weights_of_the_user_lie_anywhere(folder, tmp_path_factory):
    away = tmp_path_factory.mktemp("away")
    given = [(folder / name).rename(away / name) for name in ("one.caffemodel", "two.caffemodel")]
    assert load(folder, weights=given).name == "constant"


def test_a_folder_whose_file_is_a_link(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    (other / "cascade.prototxt").symlink_to(folder / "cascade.prototxt")
    with pytest.raises(ProtofaceError, match="'cascade.prototxt' is not in the folder"):
        find_definition(other)
    assert find_definition(other, outside=True).is_file()
    assert find_definition(other / "cascade.prototxt").is_file()  # the user names the file itself


def test_nothing_of_a_file_elsewhere_is_told(folder, secret):
    """Trusted or not: an error may end in a log."""
    file = folder / "cascade.prototxt"
    file.write_text(CASCADE.replace("net.prototxt", "link", 1))
    with pytest.raises(ProtofaceError, match="link: cannot be read as a net") as caught:
        load(folder, outside=True)
    assert "root" not in str(caught.value).replace(str(folder), "")


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_file(make, folder):
    """A pipe would keep the reader waiting for ever."""
    (folder / "net.prototxt").unlink()
    make(folder / "net.prototxt")
    with pytest.raises(ProtofaceError, match="net 'net.prototxt' is not a regular file"):
        load(folder)


def test_thousands_of_stages(folder):
    file = folder / "cascade.prototxt"
    start = CASCADE.index("stage {")
    stage = CASCADE[start : CASCADE.index("stage {", start + 1)]
    file.write_text(CASCADE[:start] + "".join(stage.replace("level_1", f"s{n}") for n in range(5000)))
    started = time.process_time()
    with pytest.raises(ProtofaceError, match="has 5,000 stages; at most 100 are read"):
        load(folder)
    assert time.process_time() - started < 5


def test_thousands_of_points(folder):
    file = folder / "cascade.prototxt"
    points = "".join(f'point {{ name: "p{n}" }}\n' for n in range(10_000))
    file.write_text(points + CASCADE[CASCADE.index("stage {") :])
    started = time.process_time()
    with pytest.raises(ProtofaceError, match="has 10,000 points; at most 2,000 are read"):
        load(folder)
    assert time.process_time() - started < 5


def test_deep_nesting(folder):
    (folder / "cascade.prototxt").write_text(CASCADE + "stage { view { " * 20_000)
    with pytest.raises(
        ProtofaceError, match=r"cascade.prototxt: line \d+: messages are nested too deep"
    ):
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


def test_a_net_that_takes_all_memory(folder):
    """Few weights, many values: a line of text asks for gigabytes."""
    more = """
    layer { name: "more" type: "Tile" bottom: "data" top: "more" tile_param { tiles: 900000 } }
    layer { name: "few" type: "Reduction" bottom: "more" top: "few" reduction_param { axis: 1 } }
    layer { name: "gone" type: "Silence" bottom: "few" }"""
    with open(folder / "net.prototxt", "a") as file:
        file.write(more)
    with pytest.raises(ProtofaceError, match="layer 'more' makes 172,800,000 values of one picture"):
        load(folder)


@pytest.mark.parametrize("size", [26000, 0])
def test_an_input_that_takes_all_memory(size, folder):
    file = folder / "cascade.prototxt"
    file.write_text(CASCADE.replace("size: 8", f"size: {size}"))
    with pytest.raises(ProtofaceError, match=f"stage 'level_1': size is {size}, at most 4096 pixels"):
        load(folder)

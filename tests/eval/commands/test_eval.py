"""`protoface eval` and `protoface compare` as a user meets them."""

import json
import re
import shutil
from itertools import chain

import numpy as np
import pytest

from protoface.cascade import load
from protoface.cli import protoface, run

from ..datasets.face_folders import write_picture, write_wflw
from ..datasets.wider_set import write_wider


@pytest.fixture
def arguments(folder, celeba) -> list[str]:
    return ["eval", "--model", str(folder), "--backend", "opencv", "--data", str(celeba)]


def test_figures_json_and_report(arguments, tmp_path, capsys):
    file, report = tmp_path / "eval.json", tmp_path / "report"
    more = ["--partition", "test", "--json", str(file), "--report", str(report)]
    assert run(protoface, [*arguments, *more]) == 0
    out = capsys.readouterr().out
    assert "constant, backend opencv, mode clean: set test, 3 measured, 0 skipped" in out
    assert "inter_ocular" in out
    content = json.loads(file.read_text())
    assert {"n", "skipped", "level_1", "cascade", "command", "versions", "machine", "data"} <= set(
        content
    )
    assert content["n"] == 3
    mean = content["cascade"]["nme"]["inter_ocular"]["mean"]
    assert f"{100 * mean:.2f}" in out
    assert (report / "index.html").is_file()


@pytest.fixture
def renamed(folder):
    """Calls the two stages of the cascade by other names."""

    def rename(first: str, second: str) -> None:
        file = folder / "cascade.prototxt"
        text = file.read_text().replace('name: "level_1"', f'name: "{first}"')
        file.write_text(text.replace('name: "level_2"', f'name: "{second}"'))

    return rename


def test_stages_are_called_as_the_cascade_calls_them(arguments, renamed, tmp_path, capsys):
    renamed("coarse", "fine")
    file, report = tmp_path / "eval.json", tmp_path / "report"
    assert run(protoface, [*arguments, "--json", str(file), "--report", str(report)]) == 0
    out, content = capsys.readouterr().out, json.loads(file.read_text())
    assert content["stages"] == ["coarse", "fine"]
    assert content["fine"] == content["cascade"] != content["coarse"]
    page = (report / "index.html").read_text()
    for said in (out, page):
        assert "coarse" in said
        assert "fine" in said
    for said in (out, page, json.dumps(content)):
        assert not re.search(r"level.?[12]", said.replace(str(tmp_path), ""), re.IGNORECASE)


def test_the_first_lines_are_the_answer(arguments, capsys):
    assert run(protoface, arguments) == 0
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first.endswith("set all, 10 measured, 0 skipped; errors in % of the normaliser")
    number = r"[\d.]+"
    assert re.fullmatch(
        rf"mean error {number} % of inter_ocular after level_2, median {number} %, "
        rf"failures {number} %, n 10, {number} ms per picture",
        second,
    )


@pytest.mark.parametrize(("first", "second"), [("n", "fine"), ("cascade", "fine"), ("one", "peers")])
def test_a_stage_called_as_a_key_of_the_results(arguments, renamed, tmp_path, capsys, first, second):
    """Said before anything is measured, and only where the key would be written."""
    renamed(first, second)
    file = tmp_path / "eval.json"
    assert run(protoface, [*arguments, "--json", str(file)]) == 2
    said = capsys.readouterr()
    name = second if first == "one" else first
    assert f"stage '{name}': the results have a key of that name already" in said.err
    assert "measured" not in said.out
    assert not file.exists()
    assert run(protoface, arguments) == 0


def test_the_last_stage_may_be_called_cascade(arguments, renamed, tmp_path):
    renamed("one", "cascade")
    file = tmp_path / "eval.json"
    assert run(protoface, [*arguments, "--json", str(file)]) == 0
    assert json.loads(file.read_text())["stages"] == ["one", "cascade"]


def test_skipped_pictures_are_listed_and_the_status_is_2(arguments, celeba, capsys):
    (celeba / "images" / "001.png").write_bytes(b"")
    assert run(protoface, arguments) == 2
    captured = capsys.readouterr()
    assert "9 measured, 1 skipped" in captured.out
    assert captured.err.strip() == f"protoface: {celeba / 'images' / '001.png'}: the file is empty"


OUTPUTS = [
    ("eval", "--data", "list_landmarks_celeba.txt"),
    ("eval", "--data", "images/003.png"),
    ("eval", "--data", "../two.caffemodel"),
    ("compare", "--celeba", "list_landmarks_celeba.txt"),
    ("compare", "--celeba", "../net.prototxt"),
]


@pytest.mark.parametrize("link", [False, True])
@pytest.mark.parametrize(("verb", "option", "name"), OUTPUTS)
def test_results_replace_nothing_that_is_read(
    folder, celeba, tmp_path, capsys, verb, option, name, link
):
    """Nor by way of a link."""
    read = celeba / name
    before, out = read.read_bytes(), read
    if link:
        out = tmp_path / "results.json"
        out.symlink_to(read)
    arguments = [verb, "--model", str(folder), option, str(celeba), "--json", str(out)]
    assert run(protoface, arguments) == 2
    assert f"{out}: is read, so it cannot be written" in capsys.readouterr().err
    assert read.read_bytes() == before


def test_weigh_replaces_no_weights(folder, celeba, capsys):
    weights = folder / "one.caffemodel"
    before = weights.read_bytes()
    arguments = ["weigh", str(folder), "--data", str(celeba), "--json", str(weights)]
    assert run(protoface, arguments) == 2
    assert "one.caffemodel: is read, so it cannot be written" in capsys.readouterr().err
    assert weights.read_bytes() == before


@pytest.mark.slow
def test_results_of_before_are_replaced_and_may_lie_in_the_set(arguments, celeba):
    file = celeba / "eval.json"
    for _ in range(2):
        assert (
            run(protoface, [*arguments, "--json", str(file), "--report", str(celeba / "report")]) == 0
        )
    assert json.loads(file.read_text())["n"] == 10


def test_results_on_standard_output_stand_alone_there(arguments, capsys):
    assert run(protoface, [*arguments, "--json", "-"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["n"] == 10
    assert "10 measured" in said.err


def test_peers_that_cannot_run_are_named(arguments, capsys):
    assert run(protoface, [*arguments, "--peer", "yunet"]) == 0
    assert "left out: yunet: no model file" in capsys.readouterr().out


def test_bad_data_is_one_line(arguments, celeba, capsys):
    (celeba / "list_eval_partition.txt").unlink()
    assert run(protoface, [*arguments, "--partition", "val"]) == 2
    assert "does not say which pictures are for train, val or test" in capsys.readouterr().err
    assert run(protoface, [*arguments, "--partition", "lfpw/testset"]) == 2
    assert "partition 'lfpw/testset' is unknown; there are train, val, test" in capsys.readouterr().err


def test_five_points_on_98_with_the_subsets_of_wflw(folder, tmp_path, capsys):
    """What the set says of its faces is printed like pose and size, and stands in the JSON file."""
    generator = np.random.default_rng(0)
    faces = [
        (f"a/{number}.png", generator.uniform(10, 50, (98, 2)), (number > 1, 0, 0, 0, 1, 0))
        for number in range(4)
    ]
    data = write_wflw(tmp_path / "wflw", test=[(name, p, map(int, f)) for name, p, f in faces])
    for name, *_ in faces:
        write_picture(data / "WFLW_images" / name)
    file = tmp_path / "eval.json"
    arguments = ["eval", "--model", str(folder), "--data", str(data), "--json", str(file)]
    assert run(protoface, arguments) == 0
    out = capsys.readouterr().out
    assert "mode clean, points compared as celeba5: wflw all, 4 measured" in out
    assert "pose (as the set says): n 2, of inter_ocular mean" in out
    assert "occlusion (as the set says): n 4, of inter_ocular mean" in out
    assert "expression (as" not in out  # no face has it
    groups = json.loads(file.read_text())["groups"]
    assert [group["axis"] for group in groups if group["unit"] == "as the set says"] == [
        "pose",
        "occlusion",
    ]
    assert set(groups[-1]) == {"axis", "unit", "least", "most", "summary"}
    assert {"mean", "failure_rate", "auc"} < set(groups[-1]["summary"])


def test_compare_prints_and_writes_every_row(folder, celeba, tmp_path, capsys):
    file = tmp_path / "compare.json"
    arguments = ["compare", "--model", str(folder), "--celeba", str(celeba), "--json", str(file)]
    assert run(protoface, arguments) == 0
    out = capsys.readouterr().out
    assert "level 1 test error" in out
    assert "whole cascade" in out
    rows = json.loads(file.read_text())["rows"]
    assert len(rows) == 19
    assert set(rows[0]) == {"figure", "unit", "published", "measured", "differs"}
    assert run(protoface, ["compare", "--model", str(folder), "--markdown"]) == 0
    assert "| level 1 test error | 1.17 | - |" in capsys.readouterr().out


def test_pictures_above_the_limit_are_skipped_and_named(arguments, capsys):
    assert run(protoface, [*arguments, "--partition", "test", "--max-pixels", "4799"]) == 2
    assert "60 x 80 pixels are more than 4799" in re.sub(
        r"(\d+) x (\d+)", _sorted, capsys.readouterr().err
    )
    assert run(protoface, [*arguments, "--partition", "test"]) == 0


def _sorted(found: re.Match[str]) -> str:
    return " x ".join(sorted(found.groups(), key=int))


@pytest.fixture
def wider(folder, tmp_path) -> list[str]:
    """The constant cascade's one face, whose box is that of its points, on pictures with boxes."""
    data = write_wider(
        tmp_path / "wider",
        train={"e/t.png": [(1, 2, 30, 30)]},
        val={
            "e/a.png": [(1, 2, 30, 30)],
            "e/b.png": [(1, 2, 30, 30), (40, 40, 15, 15)],
            "e/c.png": [],
        },
    )
    return ["eval", "--model", str(folder), "--backend", "opencv", "--data", str(data)]


def test_pictures_with_boxes_have_average_precision(wider, folder, tmp_path, capsys):
    """The box that is found in every picture is made that of the first face: 2 of 3 found, 1 wrong."""
    (face,) = load(folder, "opencv").detect(np.zeros((64, 64, 3), np.uint8))
    data = tmp_path / "wider"
    box = " ".join(f"{value:.3f}" for value in face.box)
    listed = data / "wider_face_split" / "wider_face_val_bbx_gt.txt"
    listed.write_text(listed.read_text().replace("1 2 30 30", box))
    file, report = tmp_path / "ap.json", tmp_path / "report"
    more = ["--partition", "val", "--json", str(file), "--report", str(report)]
    assert run(protoface, [*wider, *more]) == 0
    out, content = capsys.readouterr().out, json.loads(file.read_text())
    assert "wider val, 3 measured, 0 skipped; 3 faces, 0 of them ignored" in out
    assert "none in 66.7 % of the pictures" in out
    least = content["sizes"]["12"]
    assert (least["faces"], least["hits"], least["false_alarms"]) == (3, 2, 1)
    assert least["ap"] == pytest.approx(2 / 3 * 2 / 3)  # without scores: recall times precision
    assert "44.44" in out
    assert {"command", "machine", "versions", "data", "setting", "models", "peers"} <= set(content)
    assert "44.44 %" in (report / "index.html").read_text()


def test_several_models_stand_side_by_side(wider, folder, tmp_path, capsys):
    second = shutil.copytree(folder, tmp_path / "second")
    text = (second / "cascade.prototxt").read_text()
    (second / "cascade.prototxt").write_text(text.replace('name: "constant"', 'name: "other"'))
    file, report = tmp_path / "ap.json", tmp_path / "report"
    more = ["--model", str(second), "--json", str(file), "--report", str(report)]
    assert run(protoface, [*wider, *more]) == 0
    out, content = capsys.readouterr().out, json.loads(file.read_text())
    assert [line.split(":")[0] for line in out.splitlines() if "found in" in line] == [
        "constant",
        "other",
    ]
    assert content["models"]["other"]["sizes"] == content["sizes"]
    assert "other" in (report / "index.html").read_text()
    assert run(protoface, [*wider, "--model", str(folder)]) == 2
    assert "given twice" in capsys.readouterr().err
    weights = [str(folder / "two.caffemodel")] * 2
    assert (
        run(protoface, [*wider, "--model", str(second), *chain(*(("--weights", w) for w in weights))])
        == 2
    )
    assert "--weights go with one --model" in capsys.readouterr().err


def test_several_models_on_points_too(arguments, folder, tmp_path, capsys):
    second = shutil.copytree(folder, tmp_path / "second")
    text = (second / "cascade.prototxt").read_text()
    (second / "cascade.prototxt").write_text(text.replace('name: "constant"', 'name: "other"'))
    file = tmp_path / "eval.json"
    assert run(protoface, [*arguments, "--model", str(second), "--json", str(file)]) == 0
    content = json.loads(file.read_text())
    assert content["models"]["other"]["cascade"] == content["cascade"]
    assert "other: n 10, not found 0; of inter_ocular mean" in capsys.readouterr().out


def test_pictures_without_faces_are_measured(folder, tmp_path, capsys):
    for name in ("a.png", "b.png"):
        write_picture(tmp_path / "none" / name)
    given = ["eval", "--model", str(folder), "--backend", "opencv", "--data", str(tmp_path / "none")]
    assert run(protoface, given) == 0
    out = capsys.readouterr().out
    assert "the set lists no faces: everything that is found counts as a false alarm" in out
    assert "1.000 false alarms a picture, none in 0.0 % of the pictures" in out
    assert "AP" not in out


def test_sets_of_boxes_are_refused_where_points_are_needed(wider, folder, tmp_path, capsys):
    data = str(tmp_path / "wider")
    assert run(protoface, ["weigh", str(folder), "--data", data]) == 2
    assert "holds pictures without points of faces" in capsys.readouterr().err

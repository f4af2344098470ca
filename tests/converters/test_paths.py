"""Names and paths out of anybody's files: which are plain, and which lie in their folder."""

import os
from pathlib import Path

import pytest

from protoface.converters import ProtofaceError
from protoface.converters.paths import anywhere, check_name, discreet, inside, lies_in, written


@pytest.mark.parametrize("name", ["level_1", "a", "3", "x-1.5", "_", "A" * 100, "-a", "a..b"])
def test_plain_names(name):
    check_name(name, "here")


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        ".bashrc",
        "../x",
        "/x",
        "a/b",
        "a\\b",
        "a b",
        "a\n",
        "a\0",
        "é",
        "C:x",
        "~",
        "A" * 101,
    ],
)
def test_names_that_are_not(name):
    with pytest.raises(ProtofaceError, match="^f: stage 'x': the name .* becomes a file's") as caught:
        check_name(name, "f: stage 'x'")
    assert len(str(caught.value)) < 300


@pytest.fixture
def tree(tmp_path):
    """A folder with a file, and links of all kinds; beside it a file that it should not lead to."""
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    for path in (folder / "file", folder / "sub" / "file", tmp_path / "secret"):
        path.write_text("text")
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "own").symlink_to("sub/file")
    (folder / "up").symlink_to("..")
    (folder / "circle").symlink_to("circle")
    os.mkfifo(folder / "pipe")
    return folder


@pytest.mark.parametrize("name", ["file", "sub/file", "own", "not_there", "sub/not/there", "./file"])
def test_inside(tree, name):
    assert inside(tree, name, "here:") == tree / name


@pytest.mark.parametrize(
    "name",
    [
        "../secret",
        "sub/../file",
        "..",
        "link",
        "up/secret",
        "up/folder/../secret",
        "/etc/passwd",
        "a/../..",
    ],
)
def test_outside(tree, name):
    with pytest.raises(ProtofaceError, match="^here: .* is not in the folder .*--outside"):
        inside(tree, name, "here:")
    with pytest.raises(ProtofaceError, match="is not in the folder"):
        inside(tree, str(tree.parent / "secret"), "here:")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("pipe", "is not a regular file"),
        ("sub", "is not a regular file"),
        ("a\0b", "is no file's name"),
        ("a/" * 2000, "is no file's name"),
        ("a" * 300, "File name too long"),
    ],
)
def test_what_is_no_file(tree, name, message):
    for look in (inside, anywhere):
        with pytest.raises(ProtofaceError, match=message):
            look(tree, name, "here:")


def test_a_circle_of_links_ends(tree):
    assert not inside(tree, "circle", "here:").is_file()


def test_a_root_around_the_folder(tree):
    (tree / "other").mkdir()
    assert inside(tree / "other", "../sub/file", "here:", tree).is_file()
    for name in ("../../secret", "../link", "../up/secret", str(tree / "file")):
        with pytest.raises(ProtofaceError, match="is not in the folder"):
            inside(tree / "other", name, "here:", tree)


def test_anywhere(tree):
    assert anywhere(tree, "../secret", "here:").read_text() == "text"
    assert anywhere(tree, str(tree.parent / "secret"), "here:").read_text() == "text"


def test_a_folder_that_is_a_link_itself(tree, tmp_path):
    (tmp_path / "alias").symlink_to(tree)
    assert inside(tmp_path / "alias", "file", "here:").is_file()
    assert lies_in(tree, tmp_path / "alias" / "file")


def test_what_is_written(tree):
    assert written(tree / "new", ["a.onnx", "b.onnx"], "here") == {
        name: tree / "new" / name for name in ("a.onnx", "b.onnx")
    }
    with pytest.raises(ProtofaceError, match="here: 'A.onnx' would be written twice; rename a stage"):
        written(tree, ["a.onnx", "A.onnx"], "here")
    for name in ("../a.onnx", "link", "up/a.onnx"):
        with pytest.raises(ProtofaceError, match="here: .* leads out of the folder that is written"):
            written(tree, [name], "here")
    with pytest.raises(ProtofaceError, match="here: .*pipe is not a regular file"):
        written(tree, ["pipe"], "here")


def test_errors_tell_nothing_of_other_files(tree):
    with (
        pytest.raises(ProtofaceError, match=r"^line 1: password$"),
        discreet(tree / "file", [Path("elsewhere"), tree], "a net"),
    ):
        raise ProtofaceError("line 1: password")
    with (
        pytest.raises(ProtofaceError, match=r"link: cannot be read as a net; .* no line") as caught,
        discreet(tree / "link", [tree], "a net"),
    ):
        raise ProtofaceError("line 1: password")
    assert "password" not in str(caught.value)

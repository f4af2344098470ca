"""What is looked at, and that no copy replaces it."""

from pathlib import Path

import pytest

from protoface.cascade.inputs import check_copies, copy_name, find_sources
from protoface.cli import protoface, run
from protoface.converters.errors import ProtofaceError


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Pictures and videos, by their names; a text besides."""
    for name in ("b.png", "a.JPG", "deep/a.jpg", "deep/film.avi", "film.mkv", "notes.txt"):
        path = tmp_path / "album" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "album"


def test_pictures_and_videos_of_a_folder_are_taken_and_the_rest_is_named(album):
    sources = find_sources([str(album)])
    assert [one.name.as_posix() for one in sources.items] == [
        *("a.JPG", "b.png", "deep/a.jpg", "deep/film.avi", "film.mkv")
    ]
    assert [path.name for path in sources.skipped] == ["notes.txt"]
    assert [str(copy_name(one, video=True)) for one in sources.videos] == ["deep/film.mp4", "film.mp4"]
    check_copies(sources, album.parent / "out")


def test_a_camera_is_its_number():
    sources = find_sources(["0"])
    assert (sources.pictures, sources.files) == ([], [])
    assert copy_name(sources.videos[0], video=True) == Path("camera_0.mp4")


def test_two_pictures_for_one_file_are_refused(album, tmp_path):
    sources = find_sources([str(album), str(album / "deep" / "film.avi")])
    with pytest.raises(ProtofaceError, match=r"film.avi: .*film.mkv is written to .*out/film"):
        check_copies(sources, tmp_path / "out")
    sources = find_sources([str(album), str(album / "b.png")])
    with pytest.raises(ProtofaceError, match=r"b.png: .*album/b.png is written to .*out/b.png too"):
        check_copies(sources, tmp_path / "out")


@pytest.mark.parametrize("name", ["a.JPG", "link.png"])
def test_a_copy_that_would_replace_a_picture_is_refused(name, album):
    """`detect album --out album`; by a link to the picture, or to its folder."""
    (album / "link.png").symlink_to(album / "b.png")
    with pytest.raises(ProtofaceError, match=rf"{name}: is read, so it cannot be written"):
        check_copies(find_sources([str(album / name)]), album)
    other = album.parent / "elsewhere"
    other.symlink_to(album)
    with pytest.raises(ProtofaceError, match=rf"{name}: is read, so it cannot be written"):
        check_copies(find_sources([str(album / name)]), other)


def test_a_video_is_not_replaced_by_its_copy(tmp_path):
    (tmp_path / "film.mp4").write_text("the original")
    with pytest.raises(ProtofaceError, match="film.mp4: is read, so it cannot be written"):
        check_copies(find_sources([str(tmp_path / "film.mp4")]), tmp_path)


@pytest.mark.parametrize("option", ["--json", "--csv"])
@pytest.mark.parametrize("given", ["a.JPG", "."])
def test_rows_do_not_replace_a_picture(given, option, album, capsys):
    assert run(protoface, ["detect", str(album / given), option, str(album / "a.JPG")]) == 2
    assert "a.JPG: is read, so it cannot be written" in capsys.readouterr().err
    assert (album / "a.JPG").read_text() == "a.JPG"


def test_a_path_that_is_nothing_is_named():
    with pytest.raises(ProtofaceError, match="nowhere.png: No such file"):
        find_sources(["nowhere.png"])

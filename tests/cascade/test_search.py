"""Searching folders: all pictures and videos once, in order, and what is skipped is named."""

import os
import socket
from pathlib import Path

import pytest

from protoface.cascade import ProtofaceError
from protoface.cascade.search import listed_pictures, search


def fill(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    return folder


def names(pictures) -> list[str]:
    return [one.name.as_posix() for one in pictures]


def test_pictures_and_videos_of_a_folder_and_the_folders_in_it_in_order(tmp_path):
    fill(tmp_path, "z.JPG", "b/a.png", "a.webp", "b/c/film.MP4", "clip.avi", "notes.txt", "b/none")
    found = search(tmp_path)
    assert names(found.pictures) == ["a.webp", "b/a.png", "z.JPG"]
    assert names(found.videos) == ["b/c/film.MP4", "clip.avi"]
    assert [path.name for path in found.skipped] == ["none", "notes.txt"]
    assert set(found.skipped.values()) == {"neither a picture nor a video, by its suffix"}
    assert names(listed_pictures(tmp_path)) == names(found.pictures)


def test_a_single_path_is_taken_as_it_is(tmp_path):
    fill(tmp_path, "a.jpg", "a.mp4", "strange.xyz")
    assert names(search(tmp_path / "a.jpg").pictures) == ["a.jpg"]
    assert names(search(tmp_path / "strange.xyz").pictures) == ["strange.xyz"]
    found = search(tmp_path / "a.mp4")
    assert (names(found.videos), found.pictures) == (["a.mp4"], ())


def test_hidden_and_unfinished_files_are_left_out_silently(tmp_path):
    fill(tmp_path, "a.jpg", ".a.x7.jpg", ".cache/b.jpg", "Thumbs.db", "b.jpg~", "c.jpg.part", "d.tmp")
    found = search(tmp_path)
    assert (names(found.pictures), dict(found.skipped)) == (["a.jpg"], {})


def test_a_hidden_folder_that_is_named_is_searched(tmp_path):
    assert names(search(fill(tmp_path / ".hidden", "a.jpg")).pictures) == ["a.jpg"]


def test_links_in_circles_end_and_no_picture_comes_twice(tmp_path):
    fill(tmp_path, "b/a.jpg", "b/c/d.jpg")
    (tmp_path / "b" / "up").symlink_to(tmp_path)
    (tmp_path / "a_link").symlink_to("b", target_is_directory=True)
    (tmp_path / "itself").symlink_to("itself")
    found = search(tmp_path)
    assert names(found.pictures) == ["b/a.jpg", "b/c/d.jpg"]
    assert [path.name for path in found.skipped] == ["itself"]


def test_a_link_to_a_folder_elsewhere_is_followed(tmp_path):
    fill(tmp_path / "elsewhere", "a.jpg")
    (tmp_path / "album").mkdir()
    (tmp_path / "album" / "linked").symlink_to(tmp_path / "elsewhere")
    assert names(search(tmp_path / "album").pictures) == ["linked/a.jpg"]


def test_what_is_no_regular_file_is_skipped_and_named(tmp_path):
    fill(tmp_path, "a.jpg", "folder.jpg/b.png")
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "broken.jpg").symlink_to("nowhere.jpg")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s.jpg"))
        found = search(tmp_path)
    assert names(found.pictures) == ["a.jpg", "folder.jpg/b.png"]
    reasons = {path.name: reason for path, reason in found.skipped.items()}
    assert reasons == {
        "broken.jpg": "a link to nothing",
        "pipe.jpg": "not a regular file",
        "s.jpg": "not a regular file",
    }


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may look into any folder")
def test_a_folder_that_may_not_be_read_is_skipped_and_named(tmp_path):
    fill(tmp_path, "a.jpg", "closed/b.jpg")
    (tmp_path / "closed").chmod(0)
    try:
        found = search(tmp_path)
    finally:
        (tmp_path / "closed").chmod(0o700)
    assert dict(found.skipped) == {tmp_path / "closed": "Permission denied"}


def test_names_that_are_not_utf_8_are_found(tmp_path):
    name = os.fsdecode(b"caf\xe9.jpg")
    fill(tmp_path, name, "z.jpg")
    assert names(search(tmp_path).pictures) == [name, "z.jpg"]


def test_thousands_of_folders_in_each_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(2500):  # deeper than Python's own limit, and longer than a path may be
        os.mkdir("d")
        os.chdir("d")
    try:
        found = search(fill(tmp_path, "a.jpg"))
    finally:  # pytest itself cannot remove as many
        for _ in range(2500):
            os.chdir("..")
            os.rmdir("d")
    assert names(found.pictures) == ["a.jpg"]
    assert list(found.skipped.values()) == ["File name too long"]


def test_nothing_there_is_an_error(tmp_path):
    with pytest.raises(ProtofaceError, match=r"none: No such file"):
        search(tmp_path / "none")
    with pytest.raises(ProtofaceError, match=r"no pictures or videos there \(\.\w+, "):
        search(tmp_path)
    fill(tmp_path, "film.mp4")
    with pytest.raises(ProtofaceError, match="no pictures there"):
        listed_pictures(tmp_path)
    fill(tmp_path / "notes", "notes.txt")
    with pytest.raises(ProtofaceError, match="no pictures or videos there; 1 other files"):
        search(tmp_path / "notes")

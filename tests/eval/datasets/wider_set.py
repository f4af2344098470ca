"""A small set in WIDER FACE's layout."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from .face_folders import write_picture

#: What follows x, y, width, height of a face, all flags unset, and for one that is ignored.
PLAIN, INVALID = (0, 0, 0, 0, 0, 0), (0, 0, 0, 1, 0, 0)


def write_wider(folder: Path, plain: bool = False, **parts: Mapping[str, Sequence[tuple]]) -> Path:
    """Pictures and lists of train and val: name -> faces (x, y, width, height, then flags or none).

    `plain`: all pictures in `images/`. A picture is as grey as its number in the list.
    """
    (folder / "wider_face_split").mkdir(parents=True, exist_ok=True)
    for part, pictures in parts.items():
        lines = []
        for number, (name, faces) in enumerate(pictures.items()):
            home = folder if plain else folder / f"WIDER_{part}"
            write_picture(home / "images" / name, number)
            rows = [" ".join(map(str, (*face[:4], *(face[4:] or PLAIN)))) for face in faces]
            lines += [name, str(len(faces)), *(rows or ["0 " * 10])]
        path = folder / "wider_face_split" / f"wider_face_{part}_bbx_gt.txt"
        path.write_text("\n".join([*lines, ""]))
    return folder

"""Whatever is printed goes through `say`, which escapes control characters: names may be an enemy's."""

import ast
from pathlib import Path

import pytest

from protoface.cli import protoface, run

from .source_tree import ROOT, modules, parsed

#: The one place that prints.
TERMINAL = ROOT / "converters" / "terminal.py"
PRINTING = {
    "click.echo", "click.secho", "echo", "print", "pprint", "secho", "sys.stderr.write",
    "sys.stdout.write", "tqdm.write",
}  # fmt: skip


def printed(tree: ast.AST) -> list[int]:
    """Lines with a call that prints; a `print` into a file of its own is none."""
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in PRINTING
        and not (
            ast.unparse(node.func) == "print" and _file(node) not in ("", "sys.stdout", "sys.stderr")
        )
    ]


def _file(call: ast.Call) -> str:
    return next((ast.unparse(word.value) for word in call.keywords if word.arg == "file"), "")


@pytest.mark.parametrize("path", sorted(set(modules().values()) - {TERMINAL}), ids=str)
def test_nothing_is_printed_but_by_say(path: Path):
    assert [f"{path.relative_to(ROOT)}:{line}" for line in printed(parsed(path))] == []


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("print(name)", 1),
        ("print(name, file=sys.stderr)", 1),
        ("print(name, file=file)", 0),
        ("click.echo(name, err=True)", 1),
        ("tqdm.write(name)", 1),
        ("sys.stdout.write(name)", 1),
        ("say(name)", 0),
    ],
)
def test_what_counts_as_printing(code: str, count: int):
    assert len(printed(ast.parse(code))) == count


def test_names_in_a_net_are_shown_not_obeyed(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    net = tmp_path / "net.prototxt"
    net.write_text(
        'name: "n" layer { name: "data" type: "Input" top: "data"'
        " input_param { shape { dim: [1, 3, 8, 8] } } }"
        r' layer { name: "a\033[2Jb" type: "ReLU" bottom: "data" top: "data" }'
    )
    assert run(protoface, ["layers", str(net)]) == 0
    said = capsys.readouterr().out
    assert r"a\x1b[2Jb" in said
    assert "\x1b" not in said

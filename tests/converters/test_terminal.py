"""Lines on a terminal."""

import io
import sys

import pytest
from tqdm import tqdm

from protoface.converters.terminal import escaped, own_stdout, results_on_stdout, say


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ü 漢 \t x\ny", "plain ü 漢 \t x\ny"),
        ("\x1b[2J\x07", r"\x1b[2J\x07"),
        ("a\rb\x7f\x9b", r"a\x0db\x7f\x9b"),
        ("photo\u202egpj.exe", r"photo\u202egpj.exe"),
        (b"caf\xe9".decode("utf-8", "surrogateescape"), r"caf\xe9"),
        ("\ud800", r"\ud800"),
    ],
)
def test_control_characters_are_shown_not_obeyed(text, shown, capsys):
    assert escaped(text) == shown
    say(text)
    say(text, err=True)
    assert capsys.readouterr() == (f"{shown}\n", f"{shown}\n")


def test_results_have_standard_output_for_themselves(capsys):
    with own_stdout():
        say("before")
        results_on_stdout()
        say("after")
    say("next")
    assert capsys.readouterr() == ("before\nnext\n", "after\n")


def test_a_line_stands_above_a_bar(monkeypatch):
    """The bar is cleared, the line written, the bar drawn again."""
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with tqdm(total=2, file=sys.stderr, ascii=True, leave=False):
        say("line", err=True)
    parts = sys.stderr.getvalue().split("line\n")
    assert len(parts) == 2
    assert parts[0].endswith("\r")
    assert "0/2" in parts[1]

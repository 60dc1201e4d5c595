"""What the terminal shows."""

from io import StringIO

from shared.clients.commands.console import Bar, Console


class Terminal(StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """It does."""
        return True


def test_results_and_notes_go_different_ways() -> None:
    console = Console(StringIO(), StringIO())
    console.line("result")
    console.note("by the way")
    assert isinstance(console.out, StringIO)
    assert isinstance(console.err, StringIO)
    assert (console.out.getvalue(), console.err.getvalue()) == ("result\n", "by the way\n")


def test_a_bar_moves_and_goes_away() -> None:
    stream = Terminal()
    bar = Console(StringIO(), stream).bar("a.wav")
    bar.show(0.0, "sending")
    bar.show(0.5, "listening")
    bar.show(0.5, "listening")
    bar.show(7.0, "listening")
    bar.clear()
    frames = stream.getvalue().split("\r")
    assert len(frames) == 6
    assert "#" * 15 + " " * 15 in frames[2]
    assert " 50% listening" in frames[2]
    assert "100%" in frames[3]
    assert frames[4].strip() == ""


def test_no_bar_where_nobody_looks() -> None:
    stream = StringIO()
    bar = Bar("a.wav", stream, shown=False)
    bar.show(0.5, "sending")
    bar.clear()
    assert stream.getvalue() == ""

from deploy.docs.table import table


def test_a_bar_or_a_new_line_cannot_break_a_row() -> None:
    assert table(("a",), [("x|y\nz",)]) == "| a |\n| --- |\n| x\\|y z |\n"

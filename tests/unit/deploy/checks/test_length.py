from deploy.checks.length import LONGEST, problems


def test_only_sources_past_the_limit_are_named() -> None:
    at_the_limit = "x\n" * LONGEST
    files = [
        ("a.py", at_the_limit),
        ("b.py", at_the_limit + "x\n"),
        ("lock.txt", at_the_limit * 2),
    ]
    assert problems(files) == [f"b.py: {LONGEST + 1} lines; split it below {LONGEST}"]

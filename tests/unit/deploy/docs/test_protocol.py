from typing import get_args

import pytest

from deploy.docs import protocol


@pytest.fixture(scope="module")
def page() -> str:
    return protocol.document()


def test_every_message_of_every_direction_has_a_section(page: str) -> None:
    for _, *unions in protocol.SECTIONS:
        for union in unions:
            for kind in get_args(get_args(union)[0]):
                assert f"#### `{kind.model_fields['type'].default}`\n" in page


def test_what_both_sides_of_every_socket_say_is_told_once(page: str) -> None:
    assert page.count("#### `ping`\n") == 1


def test_every_link_leads_to_a_section(page: str) -> None:
    anchors = {line.lstrip("# ").lower() for line in page.splitlines() if line.startswith("#")}
    links = {part.split(")")[0] for part in page.split("](#")[1:]}
    assert links
    assert links <= anchors


def test_every_error_code_is_listed(page: str) -> None:
    for code in ("invalid_request", "at_capacity", "upstream_limited"):
        assert f"| `{code}` |" in page


def test_every_field_has_a_meaning(page: str) -> None:
    section, bare = "", []
    for line in page.splitlines():
        if line.startswith("#"):
            section = line.strip("# ")
        elif line.startswith("| `") and line.endswith("|  |"):
            bare.append(f"{section} {line.split()[1]}")
    assert bare == []


def test_a_common_meaning_is_that_of_some_field(page: str) -> None:
    for name, text in protocol.MEANINGS.items():
        assert any(
            line.startswith(f"| `{name}` |") and line.endswith(f"| {text} |")
            for line in page.splitlines()
        ), name

import pytest

from services.asr.languages import NAMES, code_of


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("english", "en"),
        ("German", "de"),
        ("fr", "fr"),
        ("en-US", "en"),
        ("yue", "yue"),
        ("", None),
        (None, None),
        ("klingonese", None),
        ("42", None),
    ],
)
def test_names_and_codes_become_codes(given: object, code: str | None) -> None:
    assert code_of(given) == code


def test_every_name_leads_back_to_its_code() -> None:
    assert {code_of(name) for name in NAMES.values()} == set(NAMES)

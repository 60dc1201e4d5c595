"""A bad setting is named with its value and remedy, and secrets are never shown."""

from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import Field

from shared.config import BadSettings, Settings, load


class Example(Settings):
    prefix: ClassVar[str] = "EXAMPLE_"
    foreign: ClassVar[tuple[str, ...]] = ("EXAMPLE_URL",)

    size: int = Field(4, ge=1, alias="EXAMPLE_SIZE")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_defaults_need_no_environment() -> None:
    assert load(Example).size == 4


def test_lists_are_split_at_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEYS", "one, two,")
    assert [key.get_secret_value() for key in load(Example).api_keys] == ["one", "two"]


def test_a_bad_value_is_named_with_value_and_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAMPLE_SIZE", "many")
    with pytest.raises(BadSettings, match=r"EXAMPLE_SIZE='many': .*integer.*correct it"):
        load(Example)


def test_all_bad_values_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAMPLE_SIZE", "0")
    monkeypatch.setenv("LOG_LEVEL", "LOUD")
    with pytest.raises(BadSettings) as caught:
        load(Example)
    assert len(str(caught.value).splitlines()) == 2


def test_an_unknown_variable_with_the_prefix_is_a_typing_mistake(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EXAMPLE_SZIE", "3")
    with pytest.raises(BadSettings, match="EXAMPLE_SZIE: no such setting; did you mean"):
        load(Example)


def test_variables_of_others_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAMPLE_URL", "http://elsewhere")
    monkeypatch.setenv("OTHER_SIZE", "3")
    load(Example)


def test_the_env_file_counts_and_its_mistakes_too(elsewhere: Path) -> None:
    (elsewhere / ".env").write_text("EXAMPLE_SIZE=9\n")
    assert load(Example).size == 9
    (elsewhere / ".env").write_text("EXAMPLE_SIZZE=9\n")
    with pytest.raises(BadSettings, match="EXAMPLE_SIZZE"):
        load(Example)


def test_the_environment_wins_over_the_file(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (elsewhere / ".env").write_text("EXAMPLE_SIZE=9\n")
    monkeypatch.setenv("EXAMPLE_SIZE", "7")
    assert load(Example).size == 7


def test_secrets_are_masked_in_errors_and_representations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEYS", "hush")
    assert "hush" not in repr(load(Example))


def test_settings_do_not_change() -> None:
    settings = load(Example)
    with pytest.raises(ValueError, match="frozen"):
        setattr(settings, "size", 5)  # noqa: B010 - mypy knows that it cannot

"""A bad setting is named with its value and remedy, and secrets are never shown."""

from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import Field

from deploy.docs.services import settings as services
from shared.config import BadSettings, Settings, WebUrl, load


class Example(Settings):
    prefix: ClassVar[str] = "EXAMPLE_"
    foreign: ClassVar[tuple[str, ...]] = ("EXAMPLE_URL",)
    common_prefixes: ClassVar[tuple[str, ...]] = ("MODEL_",)

    size: int = Field(4, ge=1, alias="EXAMPLE_SIZE")
    server: WebUrl | None = Field(None, alias="MODEL_SERVER")


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


def test_a_name_without_the_prefix_is_a_mistake_when_it_is_almost_a_setting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MODEL_SEVER", "http://there")
    with pytest.raises(BadSettings, match="MODEL_SEVER: no such setting; did you mean MODEL_SERV"):
        load(Example)
    monkeypatch.delenv("MODEL_SEVER")
    monkeypatch.setenv("MODEL_COLOUR", "other programs have models, too")
    load(Example)


def test_the_env_file_is_ours_so_every_name_there_is_looked_at(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_KEY", "of something else")
    load(Example)
    (elsewhere / ".env").write_text("API_KEY=meant for us\n")
    with pytest.raises(BadSettings, match="API_KEY: no such setting; did you mean API_KEYS"):
        load(Example)


def test_no_setting_of_one_service_is_a_misspelt_one_of_another(elsewhere: Path) -> None:
    every = {field.alias for kind in services().values() for field in kind.model_fields.values()}
    (elsewhere / ".env").write_text("".join(f"{name}=\n" for name in sorted(filter(None, every))))
    for kind in services().values():
        load(kind)


@pytest.mark.parametrize("url", ["somewhere", "localhost:8080", "ftp://there/v1", "http://"])
def test_a_server_that_is_no_url_is_told(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("MODEL_SERVER", url)
    with pytest.raises(BadSettings, match=f"MODEL_SERVER='{url}': give a URL such as http://"):
        load(Example)


def test_a_redis_that_is_no_url_is_told_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REDIS_URL", "user:hush@there")
    with pytest.raises(BadSettings, match=r"REDIS_URL=\*+: give a URL such as redis://") as caught:
        load(Example)
    assert "hush" not in str(caught.value)


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

"""A frame becomes a message, or an error that names what is wrong."""

import pytest

from shared.errors import AtCapacity, InvalidRequest
from shared.protocol.asr import ASR_CLIENT, Config
from shared.protocol.base import ErrorMessage, parse


@pytest.mark.parametrize(
    ("text", "names", "param"),
    [
        ("{", "not JSON", None),
        ("hello", "not JSON", None),
        ("[]", "a JSON object", None),
        ("3", "a JSON object", None),
        ("{}", "needs a `type`", "type"),
        ('{"type":"sing"}', "unknown message type `sing`", "type"),
        ('{"type":"config","colour":1}', "unknown field `colour` in `config`", "colour"),
        ('{"type":"config","sample_rate":"x"}', "`sample_rate`", "sample_rate"),
        ('{"type":"config","sample_rate":1}', "`sample_rate`", "sample_rate"),
        ('{"type":"config","vad":{"threshold":3}}', "`vad.threshold`", "vad.threshold"),
        ('{"type":"config","vad":{"x":3}}', "unknown field `vad.x`", "vad.x"),
        ('{"type":"ping","t":NaN}', "`t`", "t"),
    ],
)
def test_what_is_wrong_is_named(text: str, names: str, param: str | None) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse(ASR_CLIENT, text)
    assert names in caught.value.message
    assert caught.value.param == param


def test_a_message_never_changes() -> None:
    message = parse(ASR_CLIENT, '{"type":"config"}')
    assert isinstance(message, Config)
    with pytest.raises(ValueError, match="frozen"):
        setattr(message, "language", "de")  # noqa: B010 - mypy knows that it cannot


def test_an_error_message_says_all_that_the_error_knows() -> None:
    error = AtCapacity("full", retry_after_s=2)
    assert ErrorMessage.of(error, "r1").wire() == (
        '{"type":"error","code":"at_capacity","message":"full","retryable":true,'
        '"retry_after_s":2.0,"request_id":"r1"}'
    )

"""The launcher reads `.env` as python-dotenv does, by which the services go."""

import io

import pytest
from dotenv import dotenv_values

from deploy.launch.dotenv import pairs


@pytest.mark.parametrize(
    "text",
    [
        "ASR_PORT=8101",
        "ASR_PORT=8101 # mine",
        "ASR_PORT = 8101\t# mine",
        "export ASR_PORT='8101'",
        '  ASR_PORT="8101" # mine',
        "LLM_API_KEY=a#b",
        "LLM_API_KEY=#b",
        "LLM_API_KEY=",
        "API_KEYS=one=1,two=2",
        'LLM_SYSTEM_PROMPT="Say \\"hello\\".\\nBe brief. # not a remark"',
        "LLM_SYSTEM_PROMPT='Don\\'t say \\n.'",
        'LLM_SYSTEM_PROMPT="Two\nlines"\nASR_PORT=8101',
        "# ports\n\n#HOST=::\nASR_PORT=8101\r\nTTS_PORT=8102\r\n",
        "LLM_SYSTEM_PROMPT=You are kind, aren't you?\nASR_PORT=8101",
    ],
)
def test_a_file_means_the_same_to_launcher_and_services(text: str) -> None:
    assert dict(pairs(text)) == dotenv_values(stream=io.StringIO(text), interpolate=False)


def test_a_reference_is_left_to_the_services() -> None:
    assert dict(pairs("LLM_API_KEY=${MY_KEY}\nASR_PORT=8101")) == {"ASR_PORT": "8101"}

"""An LLM server as a process: ``LLM_PORT=… LLM_SCRIPT=FILE python -m tests.doubles.llm_process``.

It says what stands in the file, as far as that is written, and is done where a line ends:
while the file is empty it thinks, and after half a line it is in the middle of its reply.
"""

import asyncio
import os
import sys
from pathlib import Path

from tests.doubles.llm_server import END, FINISH, HEAD, USAGE, Answer, ScriptedLlm, chunk, sse

_LOOK_S = 0.02


class PromptedLlm(ScriptedLlm):
    """Reads its answers from a file while it gives them."""

    def __init__(self, script: Path) -> None:
        super().__init__(Answer())
        self._script = script

    async def _answer(
        self, answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        del answer, reader
        writer.write(HEAD)
        said, whole = 0, False
        while not whole and not writer.is_closing():
            text = self._script.read_text()
            whole, text = text.endswith("\n"), text.rstrip("\n")
            if new := text[said:]:
                writer.write(sse(chunk(new)))
                said = len(text)
            await writer.drain()
            await asyncio.sleep(0 if whole else _LOOK_S)
        writer.write(sse(FINISH) + sse(USAGE) + sse("[DONE]") + END)
        await writer.drain()
        return True


async def _main() -> None:
    llm = PromptedLlm(Path(os.environ["LLM_SCRIPT"]))
    async with llm.running(int(os.environ["LLM_PORT"])):
        sys.stderr.write(f"Running on {llm.url}\n")
        sys.stderr.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main())

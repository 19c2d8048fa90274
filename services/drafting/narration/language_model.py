"""An OpenAI-compatible endpoint that may reword: asked for one text, streamed, within a deadline."""

import asyncio
from dataclasses import dataclass

from openai import AsyncOpenAI, OpenAIError

from shared.errors import Unavailable

# More than any section has; what is longer is no rewording.
_MOST_CHARACTERS, _MOST_TOKENS = 20_000, 2_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `is_complete` is False where the endpoint stopped before its end."""

    text: str
    is_complete: bool


class LanguageModel:
    """Base URL, model and key come from settings; nothing is asked twice, the draft stands without it."""

    def __init__(self, *, base_url: str, model: str, api_key: str, deadline_s: float) -> None:
        # The client wants a key and would look for one in the environment, which is not this endpoint's.
        self._client = AsyncOpenAI(
            base_url=base_url, api_key=api_key or "none", max_retries=0, timeout=deadline_s, organization="", project=""
        )
        self._model = model
        self._deadline_s = deadline_s

    async def answer(self, instructions: str, text: str) -> Answer:
        """The endpoint's answer, as far as it came. Raises Unavailable when there is none."""
        said: list[str] = []
        length = 0
        reason: str | None = None
        try:
            async with asyncio.timeout(self._deadline_s):
                stream = await self._client.chat.completions.create(
                    model=self._model,
                    messages=[{"role": "system", "content": instructions}, {"role": "user", "content": text}],
                    temperature=0.0,
                    max_tokens=_MOST_TOKENS,
                    stream=True,
                )
                async with stream:
                    async for chunk in stream:
                        for choice in chunk.choices[:1]:
                            said.append(choice.delta.content or "")
                            length += len(said[-1])
                            reason = choice.finish_reason or reason
                        if length > _MOST_CHARACTERS:
                            break
        except (OpenAIError, TimeoutError, ValueError, OSError) as error:
            if not length:
                raise Unavailable(
                    f"the language model did not answer ({type(error).__name__}); drafts stand as they were computed",
                    reason="MODEL_UNAVAILABLE") from error
            reason = None
        return Answer("".join(said), reason == "stop")

    async def close(self) -> None:
        """Ends its connections."""
        await self._client.close()

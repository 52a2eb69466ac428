"""One HTTP GET whose answer cannot grow, last or lead elsewhere: for pages of machines that are not trusted.

This module must not know what is asked for.
"""

import asyncio

import httpx


class AnswerRefused(Exception):
    """There was no usable answer; `detail` says why, in printable words."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


async def bounded_get(client: httpx.AsyncClient, url: str, bytes_most: int, seconds: float) -> bytes:
    """Return the body of a 200 answer. Redirects are not followed. Raises AnswerRefused."""
    body = bytearray()
    try:
        async with asyncio.timeout(seconds), client.stream("GET", url, follow_redirects=False) as answer:
            if answer.is_redirect:
                raise AnswerRefused("it leads to another address, which is not followed")
            if answer.status_code != 200:
                raise AnswerRefused(f"it answers with HTTP {answer.status_code}")
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > bytes_most:
                    raise AnswerRefused(f"its answer is longer than {bytes_most} bytes")
    except TimeoutError:
        raise AnswerRefused(f"no answer within {seconds:g} s") from None
    except httpx.HTTPError as error:
        raise AnswerRefused(str(error) or type(error).__name__) from None
    return bytes(body)

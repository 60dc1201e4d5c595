"""What went less than well with an HTTP request that succeeded, in a header."""

from collections.abc import Iterable

from starlette.responses import Response

HEADER = "X-Parley-Warnings"


def warn(answer: Response, codes: Iterable[str]) -> None:
    """Name each code once; `unsupported_option=FIELD` names the field that was left out."""
    if named := ", ".join(dict.fromkeys(codes)):
        answer.headers[HEADER] = named

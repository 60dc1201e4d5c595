"""Which exception of the `openai` package each of our errors is."""

import openai

from shared.errors import ParleyError

CLASSES: dict[int, type[openai.APIStatusError]] = {
    400: openai.BadRequestError,
    401: openai.AuthenticationError,
    403: openai.PermissionDeniedError,
    404: openai.NotFoundError,
    409: openai.ConflictError,
    413: openai.APIStatusError,
    429: openai.RateLimitError,
    **dict.fromkeys((500, 502, 503, 504), openai.InternalServerError),
}


def kinds(root: type[ParleyError] = ParleyError) -> list[type[ParleyError]]:
    """Every error of ours, the tree's root included."""
    return [root, *(kind for child in root.__subclasses__() for kind in kinds(child))]


def is_told(error: openai.APIStatusError, kind: type[ParleyError]) -> bool:
    """Whether the exception is the class that belongs to `kind`, and names it."""
    return type(error) is CLASSES[kind.http_status] and error.code == kind.code

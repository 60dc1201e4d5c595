"""Every error that can reach a client, with what it is on each wire.

::

    ParleyError                 code               HTTP  close  retryable
    ├── InvalidRequest          invalid_request     400   1007
    │   ├── UnsupportedOption   unsupported_option  400   1007
    │   ├── NothingToCommit     input_audio_buffer_commit_empty  400  1007
    │   └── ConsentRequired     consent_required    400   1007
    ├── Unauthorized            unauthorized        401   1008
    ├── Forbidden               forbidden           403   1008
    ├── NotFound                not_found           404   1008
    ├── Conflict                conflict            409   1008
    ├── TooLarge                too_large           413   1009
    ├── RateLimited             rate_limited        429   1013   yes
    ├── AtCapacity              at_capacity         503   1013   yes
    ├── Draining                draining            503   1012   yes
    ├── DeadlineExceeded        timeout             504   1011   yes
    ├── EngineFailed            engine_failed       500   1011   yes
    │   ├── EngineUnavailable   engine_unavailable  503   1013   yes
    │   └── OutOfMemory         out_of_memory       503   1013   yes
    └── UpstreamFailed          upstream_failed     502   1011   yes
        ├── UpstreamRefused     upstream_refused    502   1011
        └── UpstreamLimited     upstream_limited    503   1013   yes

``shared.web.faults`` is the one place that turns them into HTTP bodies, WebSocket
messages and close codes.
"""

from typing import ClassVar


class ParleyError(Exception):
    """Something went wrong inside; the service's log says more."""

    code: ClassVar[str] = "internal_error"
    """Stable name, sent on every wire."""
    http_status: ClassVar[int] = 500
    close_code: ClassVar[int] = 1011
    """WebSocket close code where the error cannot be recovered."""
    retryable: ClassVar[bool] = False
    """Whether the same request may succeed later."""

    def __init__(
        self, message: str, *, param: str | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        """The field or setting at fault."""
        self.retry_after_s = retry_after_s
        """Seconds after which a new try makes sense."""


class InvalidRequest(ParleyError):
    """The client sent what the protocol does not allow."""

    code = "invalid_request"
    http_status = 400
    close_code = 1007


class UnsupportedOption(InvalidRequest):
    """The request is well formed but this engine cannot do it."""

    code = "unsupported_option"


class NothingToCommit(InvalidRequest):
    """OpenAI's Realtime: `commit` came with less than 100 ms of audio, or while nobody spoke."""

    code = "input_audio_buffer_commit_empty"


class ConsentRequired(InvalidRequest):
    """A voice may be cloned only with the recorded consent of its owner."""

    code = "consent_required"


class Unauthorized(ParleyError):
    """No key, or a wrong one."""

    code = "unauthorized"
    http_status = 401
    close_code = 1008


class Forbidden(ParleyError):
    """The key is known but may not do this."""

    code = "forbidden"
    http_status = 403
    close_code = 1008


class NotFound(ParleyError):
    """No such model, voice, session or request."""

    code = "not_found"
    http_status = 404
    close_code = 1008


class Conflict(ParleyError):
    """The name is taken, or the thing is in a state that forbids this."""

    code = "conflict"
    http_status = 409
    close_code = 1008


class TooLarge(ParleyError):
    """More bytes, seconds or characters than the settings allow."""

    code = "too_large"
    http_status = 413
    close_code = 1009


class RateLimited(ParleyError):
    """This client asks too often."""

    code = "rate_limited"
    http_status = 429
    close_code = 1013
    retryable = True


class AtCapacity(ParleyError):
    """All places are taken or the queue is full."""

    code = "at_capacity"
    http_status = 503
    close_code = 1013
    retryable = True


class Draining(ParleyError):
    """The service is about to stop and takes no new work."""

    code = "draining"
    http_status = 503
    close_code = 1012
    retryable = True


class DeadlineExceeded(ParleyError):
    """The work was not done in its time."""

    code = "timeout"
    http_status = 504
    close_code = 1011
    retryable = True


class EngineFailed(ParleyError):
    """The model raised; the request may be tried again."""

    code = "engine_failed"
    retryable = True


class EngineUnavailable(EngineFailed):
    """The circuit breaker is open: the engine failed several times in a row."""

    code = "engine_unavailable"
    http_status = 503
    close_code = 1013


class OutOfMemory(EngineFailed):
    """The step did not fit into the device's memory, not even alone."""

    code = "out_of_memory"
    http_status = 503
    close_code = 1013


class UpstreamFailed(ParleyError):
    """A server that we call (LLM, remote engine) failed or went away."""

    code = "upstream_failed"
    http_status = 502
    retryable = True


class UpstreamRefused(UpstreamFailed):
    """A server that we call refused our credentials or our request."""

    code = "upstream_refused"
    retryable = False


class UpstreamLimited(UpstreamFailed):
    """A server that we call is over its limits."""

    code = "upstream_limited"
    http_status = 503
    close_code = 1013
    retryable = True

"""What a service says of itself over HTTP."""

from __future__ import annotations

import http.client
import json
import socket
import urllib.error
import urllib.request
from typing import Any

PATIENCE_S = 2.0


def ready(url: str) -> bool:
    """Does `/ready` answer 200? False while the service is starting."""
    return _get(f"{url}/ready") is not None


def health(url: str) -> dict[str, Any]:
    """The JSON of `/health`; empty when it cannot be had."""
    try:
        document = json.loads(_get(f"{url}/health") or b"{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def why_not_listen(host: str, port: int) -> OSError | None:
    """What the system says against listening on `host:port`; None when it can be done."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            # With SO_REUSEADDR a second socket may be bound, but only one may listen.
            listener.listen(1)
    except OSError as error:
        return error
    return None


def _get(url: str) -> bytes | None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=PATIENCE_S) as response:
            body: bytes = response.read()
            return body
    except (OSError, urllib.error.URLError, http.client.HTTPException):
        return None

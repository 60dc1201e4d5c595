"""Exits 0 when the service in this container is ready: `healthcheck.py VARIABLE DEFAULT_PORT`.

Standard library only; the images hold no curl.
"""

from __future__ import annotations

import http.client
import os
import sys


def main(variable: str, default: str) -> int:
    port = int(os.environ.get(variable) or default)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/ready")
        return 0 if connection.getresponse().status == 200 else 1
    except (OSError, http.client.HTTPException):
        return 1
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

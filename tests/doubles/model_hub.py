"""A model hub of one repository, for the client that huggingface_hub is."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from tests.running.app import serving

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@asynccontextmanager
async def hub(repository: str, folder: Path) -> AsyncIterator[tuple[str, list[str]]]:
    """Serve a folder as a repository; yields the address and the paths that were asked for."""
    asked: list[str] = []

    listed = _listed(folder)
    etags = {str(entry["path"]): str(entry["etag"]) for entry in listed}
    files = [{"rfilename": name} for name in etags]

    async def about(request: Request) -> Response:
        asked.append(request.url.path)
        return JSONResponse({"id": repository, "sha": COMMIT, "siblings": files, "tags": []})

    async def tree(request: Request) -> Response:
        asked.append(request.url.path)
        return JSONResponse(listed)

    async def resolve(request: Request) -> Response:
        asked.append(request.url.path)
        name = request.path_params["name"]
        if name not in etags:
            return Response(status_code=404, headers={"X-Error-Code": "EntryNotFound"})
        etag = etags[name]
        return FileResponse(folder / name, headers={"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT})

    app = Starlette(
        routes=[
            Route(f"/api/models/{repository}", about),
            Route(f"/api/models/{repository}/revision/{{revision}}", about),
            Route(f"/api/models/{repository}/tree/{{revision}}", tree),
            Route(f"/{repository}/resolve/{{revision}}/{{name}}", resolve),
        ]
    )
    async with serving(app) as address:
        yield address, asked


def _listed(folder: Path) -> list[dict[str, object]]:
    return [
        {
            "type": "file",
            "path": path.name,
            "size": path.stat().st_size,
            "oid": hashlib.sha1(path.read_bytes()).hexdigest(),
            "etag": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        for path in sorted(folder.iterdir())
    ]

"""``/v1/jobs``: files to be transcribed when there is time."""

from contextlib import AsyncExitStack
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from services.asr.engines.base import Engine
from services.asr.pipeline.catalogue import Catalogue
from services.asr.pipeline.files import FileResult, Recording
from services.asr.pipeline.jobs import JobFile, Jobs, TranscriptionJob
from services.asr.routes.form import wishes
from services.asr.routes.formats import content
from services.asr.routes.uploads import FileLimits, Form, received
from shared.errors import InvalidRequest
from shared.web.faults import body as error_body

MOST_FILES = 16


class JobsDoor:
    """Takes jobs in, shows them, deletes them. They belong to the key that sent them."""

    def __init__(
        self,
        engine: Engine,
        jobs: Jobs,
        catalogue: Catalogue,
        limits: FileLimits,
    ) -> None:
        self._engine = engine
        self._jobs = jobs
        self._catalogue = catalogue
        self._limits = limits

    def routes(self) -> list[BaseRoute]:
        """For the service's router."""
        return [
            Route("/v1/jobs", self.create, methods=["POST"]),
            Route("/v1/jobs", self.list, methods=["GET"]),
            Route("/v1/jobs/{id}", self.get, methods=["GET"]),
            Route("/v1/jobs/{id}", self.delete, methods=["DELETE"]),
        ]

    async def create(self, request: Request) -> Response:
        """202 with the job; its results come to ``GET /v1/jobs/{id}``."""
        self._jobs.admit()
        async with AsyncExitStack() as uploads:
            form = await uploads.enter_async_context(
                received(request, self._limits.max_bytes, max_files=MOST_FILES)
            )
            job = self._job(form, _owner(request), uploads)
            self._jobs.submit(job)
            job.release = uploads.pop_all().aclose
        headers = {"Location": f"/v1/jobs/{job.id}"}
        return JSONResponse(self._shown(job), 202, headers)

    async def list(self, request: Request) -> Response:
        """One's own jobs, without results."""
        found = [self._shown(job, results=False) for job in self._jobs.of(_owner(request))]
        return JSONResponse({"object": "list", "data": found})

    async def get(self, request: Request) -> Response:
        """The job with what is ready."""
        job = self._jobs.get(_owner(request), request.path_params["id"])
        return JSONResponse(self._shown(job))

    async def delete(self, request: Request) -> Response:
        """Stop and forget it."""
        job = self._jobs.get(_owner(request), request.path_params["id"])
        await self._jobs.delete(job)
        return JSONResponse({"id": job.id, "object": "transcription.job", "deleted": True})

    def _job(self, form: Form, owner: str, uploads: AsyncExitStack) -> TranscriptionJob:
        wanted = wishes(form, self._engine.info, self._catalogue)
        if wanted.stream:
            raise InvalidRequest("a job cannot be streamed", param="stream")
        options = wanted.options(self._engine.info, f"job {owner}", background=True)

        def render(result: FileResult) -> str | dict[str, Any]:
            return content(result, wanted, options)

        files = [
            JobFile(upload.name, Recording(upload.file, options, self._limits.max_seconds), render)
            for name, upload in form.files
            if name.removesuffix("[]") in ("file", "files")
        ]
        if not files:
            raise InvalidRequest("`file` is missing", param="file")
        return TranscriptionJob(owner, files, uploads.aclose)

    def _shown(self, job: TranscriptionJob, *, results: bool = True) -> dict[str, Any]:
        return {
            "id": job.id,
            "object": "transcription.job",
            "status": job.status.value,
            "expires_after_s": self._jobs.ttl_s,
            "files": [_shown_file(file, results=results) for file in job.files],
        }


def _shown_file(file: JobFile, *, results: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {"name": file.name, "status": file.status.value}
    if results and file.result is not None:
        shown["result"] = file.render(file.result)
    if file.error is not None:
        error = file.error
        shown |= error_body(error.code, error.message, error.http_status, error.param)
    return shown


def _owner(request: Request) -> str:
    return str(getattr(request.state, "owner", "anonymous"))

"""What the gateway shows itself: the start page, the documentation, and the web UI's files once they are built."""

import html
import mimetypes
from functools import cache
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import ClassVar

import fastapi_standalone_docs  # type: ignore[import-untyped]
from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, HTMLResponse

from chassis.access import public
from chassis.errors import NotFound
from chassis.service import Runtime
from gateway import queries
from gateway.api.gate import Gate, gate_of
from gateway.queries import Health

router = APIRouter(include_in_schema=False, dependencies=[public()])

READ = ["GET", "HEAD"]
A_DAY = "public, max-age=86400"
FOR_EVER = "public, max-age=31536000, immutable"
ASSETS = "assets/"
PRECOMPRESSED = {".br": "br", ".gz": "gzip"}


class PageNotFound(NotFound):
    code: ClassVar[str] = "page_not_found"
    title: ClassVar[str] = "There is no such page"


@cache
def own_files() -> dict[str, Path]:
    """Name to file, so that no name a visitor invents is ever looked up on the disk."""
    viewer = Path(str(files(fastapi_standalone_docs))) / "static" / "swagger"
    own = Path(str(files("gateway"))) / "static"
    viewed = {f"viewer/{path.name}": path for path in viewer.iterdir() if path.suffix in (".js", ".css")}
    return viewed | {path.name: path for path in own.iterdir() if path.suffix in (".js", ".css", ".svg")}


@cache
def template(name: str) -> Template:
    return Template((Path(str(files("gateway"))) / "static" / name).read_text())


@router.api_route("/docs", methods=READ)
async def show_documentation() -> HTMLResponse:
    return HTMLResponse(template("docs.html").substitute())


@router.api_route("/static/{name:path}", methods=READ)
async def send_static_file(name: str) -> FileResponse:
    found = own_files().get(name)
    if found is None:
        raise PageNotFound
    return FileResponse(found, headers={"Cache-Control": A_DAY})


@router.api_route("/{path:path}", methods=READ)
async def show_page(path: str, request: Request) -> Response:
    """A file of the web UI; any other address a browser asks for is one of the UI's own pages."""
    gate = gate_of(request.app.state.runtime)
    web = gate.settings.web_dir
    if web is not None:
        said = request.headers
        return _web_file(
            web,
            path,
            wants_page="text/html" in said.get("accept", ""),
            accepted=said.get("accept-encoding", ""),
        )
    if path:
        raise PageNotFound
    return await _start_page(request, gate)


def _web_file(web: Path, path: str, *, wants_page: bool, accepted: str) -> FileResponse:
    root = web.resolve()
    found = (root / path).resolve()
    if path and found.is_relative_to(root) and found.is_file():
        # The build puts a hash of the content into the names under assets/.
        return _sent(found, FOR_EVER if path.startswith(ASSETS) else "no-cache", accepted)
    # A tab of yesterday asks for a file that a new version no longer has; the page itself would be no script.
    if path and (not wants_page or path.startswith(ASSETS)):
        raise PageNotFound
    return _sent(root / "index.html", "no-cache", accepted)


def _sent(file: Path, caching: str, accepted: str) -> FileResponse:
    """The file, or the smaller copy that the build wrote beside it, when the browser takes it."""
    headers = {"Cache-Control": caching, "Vary": "Accept-Encoding"}
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    for suffix, coding in PRECOMPRESSED.items():
        smaller = file.with_name(file.name + suffix)
        if coding in accepted and smaller.is_file():
            return FileResponse(smaller, media_type=kind, headers=headers | {"Content-Encoding": coding})
    return FileResponse(file, media_type=kind, headers=headers)


async def _start_page(request: Request, gate: Gate) -> HTMLResponse:
    runtime: Runtime = request.app.state.runtime
    health = await gate.health.get(lambda: queries.health_of(runtime.http, gate.services))
    ready = sum(service.is_ready for service in health)
    page = template("start.html").substitute(
        services="\n".join(_row(service) for service in health),
        address=html.escape(gate.settings.public_url or f"{request.url.scheme}://{request.url.netloc}"),
        summary=f"{ready} of {len(health)} services are ready" if health else "no service is configured",
    )
    return HTMLResponse(page, headers={"Cache-Control": "no-cache"})


def _row(service: Health) -> str:
    state = "up" if service.is_ready else "down"
    name, detail = html.escape(service.service), html.escape(service.detail)
    return f'<li class="{state}"><span class="name">{name}</span> <span class="detail">{detail}</span></li>'

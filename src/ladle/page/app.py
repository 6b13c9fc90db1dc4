"""The page's addresses, each one call of the desk."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates
from pydantic import BaseModel, Field

from ladle import __version__
from ladle.data import read_image
from ladle.errors import LadleError, StoreConflictError, StoreError
from ladle.labeling import Desk, labels_as
from ladle.page.guard import Guard
from ladle.page.views import state_of

_HERE = Path(__file__).parent
#: What a browser shows as it is; anything else is sent as PNG.
_WEB_IMAGES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}


class _Answer(BaseModel):
    place: int = Field(ge=0)
    label: str = Field(min_length=1, max_length=200)


class _NewClass(BaseModel):
    name: str = Field(max_length=200)


def create_app(desk: Desk, *, hosts: frozenset[str] = frozenset(), token: str | None = None) -> FastAPI:
    """Return the page as an ASGI application.

    Args:
        desk: what is labeled.
        hosts: names under which the page may be asked for; empty for any.
        token: what a browser has to bring once; None lets in everybody who reaches the address.
    """
    app = FastAPI(title="Ladle", version=__version__, docs_url=None, redoc_url=None, openapi_url=None)
    app.middleware("http")(Guard(hosts, token))
    app.mount("/static", StaticFiles(directory=_HERE / "static"), name="static")
    templates = Jinja2Templates(_HERE / "templates")

    @app.exception_handler(LadleError)
    async def refused(_request: Request, error: LadleError) -> Response:
        lost = isinstance(error, StoreError) and not isinstance(error, StoreConflictError)
        return JSONResponse({"error": str(error)}, status_code=503 if lost else 409)

    @app.exception_handler(RequestValidationError)
    async def misshapen(_request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return JSONResponse({"error": f"an answer has its form (got {where}: {first['msg']}); reload"}, status_code=422)

    # Plain functions: each runs in a thread of its own, so that one person's database write holds up nobody else.
    @app.get("/", response_class=HTMLResponse)
    def page(request: Request) -> Response:
        source = desk.project.source
        context = {"kind": source.kind, "name": source.path.name, "form_token": request.state.form_token}
        return templates.TemplateResponse(request, "label.html.j2", context)

    def shown_to(request: Request) -> dict[str, Any]:
        # With the form token, so that a page that was open while the server was started again goes on.
        return state_of(desk, request.state.annotator) | {"form": request.state.form_token}

    @app.get("/state")
    def state(request: Request) -> dict[str, Any]:
        return shown_to(request)

    @app.post("/answer")
    def answer(request: Request, given: _Answer) -> dict[str, Any]:
        desk.answer(request.state.annotator, given.place, given.label)
        return shown_to(request)

    @app.post("/undo")
    def undo(request: Request) -> dict[str, Any]:
        desk.undo(request.state.annotator)
        return shown_to(request)

    @app.post("/look-again")
    def look_again(request: Request) -> dict[str, Any]:
        desk.look_again(request.state.annotator)
        return shown_to(request)

    @app.post("/forecast")
    def forecast(request: Request) -> dict[str, Any]:
        desk.forecast()
        return shown_to(request)

    @app.post("/classes")
    def add_class(request: Request, given: _NewClass) -> dict[str, Any]:
        desk.add_class(given.name)
        return shown_to(request)

    @app.get("/image/{place}")
    def image(place: int) -> Response:
        return _picture(desk, place)

    @app.get("/export/{name}")
    def export(name: str) -> Response:
        content = labels_as(desk.project.labels(), Path(name).suffix)
        return Response(
            content,
            media_type="application/octet-stream",
            headers={"Content-Disposition": f'attachment; filename="labels{Path(name).suffix}"'},
        )

    return app


def _picture(desk: Desk, place: int) -> Response:
    source = desk.project.source
    # By its number only: no path comes from outside.
    path = source.path / source.ids[place] if source.kind == "images" and 0 <= place < len(source) else None
    if path is None or not path.is_file():
        return JSONResponse({"error": f"an image has a number and is there (got {place})"}, status_code=404)
    kind = _WEB_IMAGES.get(path.suffix.lower())
    if kind is not None:
        return FileResponse(path, media_type=kind)
    content = BytesIO()
    read_image(path, str(path)).convert("RGB").save(content, "PNG")
    return Response(content.getvalue(), media_type="image/png")

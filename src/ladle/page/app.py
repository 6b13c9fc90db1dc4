"""The page's addresses, each one call of the desk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates
from jinja2 import Environment, FileSystemLoader
from pydantic import BaseModel, Field
from starlette.types import ASGIApp

from ladle import __version__
from ladle.errors import LadleError, StoreConflictError, StoreError
from ladle.labeling import Desk, labels_as
from ladle.page.guard import Guard
from ladle.page.limits import Limits
from ladle.page.pictures import check_inside, picture
from ladle.page.views import state_of

_HERE = Path(__file__).parent


class _Answer(BaseModel):
    place: int = Field(ge=0)
    label: str = Field(min_length=1, max_length=200)


class _NewClass(BaseModel):
    name: str = Field(max_length=200)


def create_app(
    desk: Desk, *, hosts: frozenset[str] = frozenset(), token: str | None = None, limits: Limits | None = None
) -> ASGIApp:
    """Return the page as an ASGI application.

    Args:
        desk: what is labeled.
        hosts: names under which the page may be asked for; empty for any.
        token: what a browser has to bring once; None lets in everybody who reaches the address.
        limits: how much one client may ask.

    Raises:
        DataError: an image that leads out of the folder that is labeled.
    """
    check_inside(desk.project.source)
    app = FastAPI(
        title="Ladle", version=__version__, docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False
    )
    app.mount("/static", StaticFiles(directory=_HERE / "static"), name="static")
    templates = Jinja2Templates(env=_templates(_HERE / "templates"))

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
    def state(request: Request) -> Any:
        # Each who asks without a cookie would be somebody new, and take an example off the pile.
        if not request.state.known:
            return JSONResponse({"error": "who labels has opened the page before; reload"}, status_code=403)
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
        return picture(desk.project.source, place)

    @app.get("/export/{name}")
    def export(name: str) -> Response:
        content = labels_as(desk.labels(), Path(name).suffix)
        return Response(
            content,
            media_type="application/octet-stream",
            headers={"Content-Disposition": f'attachment; filename="labels{Path(name).suffix}"'},
        )

    return Guard(app, hosts, token, limits or Limits())


def _templates(folder: Path) -> Environment:
    # Said here: left to itself, Jinja escapes by the end of a file's name, and .j2 is none that it knows.
    return Environment(loader=FileSystemLoader(folder), autoescape=True)

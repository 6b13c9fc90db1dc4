"""The images of the source, and nothing else of this machine's files."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from fastapi.responses import FileResponse, JSONResponse, Response

from ladle.data import read_image
from ladle.errors import DataError
from ladle.labeling import Source

#: What a browser shows as it is; anything else is sent as PNG.
_WEB_IMAGES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}


def check_inside(source: Source) -> None:
    """Raise where an image leads out of the folder that is labeled, before anything is served.

    Raises:
        DataError: a link to a file elsewhere.

    Cost: one look at the file system an image.
    """
    if source.kind != "images":
        return
    for place, name in enumerate(source.ids):
        if _inside(source, place) is None:
            raise DataError(
                f"the page serves files of its folder alone (got {name}, which leads to "
                f"{(source.path / name).resolve()}); copy it there, or label the folder where it lies"
            )


def picture(source: Source, place: int) -> Response:
    """Return an image of the source as a browser shows it.

    By its number only: no path comes from outside. Where the number is unknown, or the file has gone or leads out of
    the folder by now, the answer is 404.
    """
    known = source.kind == "images" and 0 <= place < len(source)
    path = _inside(source, place) if known else None
    if path is None or not path.is_file():
        return JSONResponse({"error": "an image has a number and is there; reload the page"}, status_code=404)
    kind = _WEB_IMAGES.get(Path(source.ids[place]).suffix.lower())
    if kind is not None:
        return FileResponse(path, media_type=kind)
    content = BytesIO()
    read_image(path, source.ids[place]).convert("RGB").save(content, "PNG")
    return Response(content.getvalue(), media_type="image/png")


def _inside(source: Source, place: int) -> Path | None:
    """Return where an image really lies, or None outside of the folder."""
    path = (source.path / source.ids[place]).resolve()
    return path if path.is_relative_to(source.path.resolve()) else None

"""Label Studio's words for ours: a labeling config of the classes, an example as a task, annotations as answers."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from xml.etree import ElementTree

from ladle.data import read_image
from ladle.labeling import SKIP, Source

#: How the names of Label Studio's users begin among those who answer.
ANNOTATOR = "label-studio-"
#: What Label Studio calls our guesses. Always the same: it shows those of one version only, that of the first it got.
MODEL_VERSION = "ladle"
_CONTROL, _OBJECT = "label", "example"
_ID, _INDEX = "ladle_id", "ladle_index"
_LONGEST_SIDE = 1024
_JPEG_QUALITY = 90


@dataclass(frozen=True)
class Annotation:
    """What one person submitted for one task; drafts are none.

    Attributes:
        annotator: who did, one name for one user of the server.
        result: the regions and choices, as Label Studio's JSON has them.
        cancelled: whether the person pressed skip.
        created: when it was first submitted.
        updated: when it was last changed.
    """

    annotator: str
    result: Sequence[Mapping[str, Any]]
    cancelled: bool
    created: datetime
    updated: datetime


def choices_config(classes: Sequence[str], source: Source) -> str:
    """Return the labeling config, XML: the example, and one choice of the classes."""
    view = ElementTree.Element("View")
    if source.kind == "images":
        ElementTree.SubElement(view, "Image", name=_OBJECT, value="$image")
    else:
        ElementTree.SubElement(view, "Text", name=_OBJECT, value="$text", valueType="text")
    choices = ElementTree.SubElement(
        view, "Choices", name=_CONTROL, toName=_OBJECT, choice="single", required="true", showInline="true"
    )
    for name in classes:
        ElementTree.SubElement(choices, "Choice", value=name)
    return ElementTree.tostring(view, encoding="unicode")


def classes_of(config: str) -> set[str]:
    """Return the classes that a labeling config offers."""
    # The config comes from the server that the person has named and given a key for.
    return {choice.get("value", "") for choice in ElementTree.fromstring(config).iter("Choice")}  # noqa: S314


def prediction_of(guess: tuple[str, float], version: str = MODEL_VERSION) -> dict[str, Any]:
    """Return a class and its probability as Label Studio's prediction, where the probability is called score."""
    result = {"from_name": _CONTROL, "to_name": _OBJECT, "type": "choices", "value": {"choices": [guess[0]]}}
    return {"model_version": version, "score": guess[1], "result": [result]}


def task_of(source: Source, place: int, guess: tuple[str, float] | None) -> dict[str, Any]:
    """Return an example as a task to import.

    An image goes along as a data URI, of 1,024 pixels a side at most. So it is seen wherever the server runs, without
    access to this machine's files, and a batch is one request: an upload that breaks off leaves no stray files.

    Args:
        source: where the example is from.
        place: whole-pool index.
        guess: the class the model would give it and its probability; None leaves the person alone with the example.

    Raises:
        DataError: an image that cannot be read any more.
    """
    shown = {"image": _data_uri(source, place)} if source.kind == "images" else {"text": source.shown[place]}
    predictions = [] if guess is None else [prediction_of(guess)]
    # In data where people see it, in meta where it can be listed without the images.
    known = {_ID: source.ids[place], _INDEX: place}
    return {"data": shown | known, "meta": known, "predictions": predictions}


def place_of(meta: Mapping[str, Any] | None, source: Source) -> int | None:
    """Return the whole-pool index of a task; None for one that is not of this source."""
    place = (meta or {}).get(_INDEX)
    if not isinstance(place, int) or not 0 <= place < len(source):
        return None
    return place if (meta or {}).get(_ID) == source.ids[place] else None


def annotation_of(found: Mapping[str, Any]) -> Annotation:
    """Return an annotation of Label Studio's JSON, where a user is a number or an object that has one."""
    user = found["completed_by"]
    return Annotation(
        annotator=f"{ANNOTATOR}{user['id'] if isinstance(user, Mapping) else user}",
        result=found["result"] or (),
        cancelled=bool(found["was_cancelled"]),
        created=datetime.fromisoformat(str(found["created_at"])),
        updated=datetime.fromisoformat(str(found["updated_at"])),
    )


def answers_of(annotations: Sequence[Annotation]) -> dict[str, str]:
    """Return each person's answer to one example: their last one, whoever answered first in front.

    A skipped task is "skip"; a submission without a choice is no answer.
    """
    latest: dict[str, Annotation] = {}
    for annotation in sorted(annotations, key=lambda one: one.updated):
        latest[annotation.annotator] = annotation
    found = {}
    for annotation in sorted(latest.values(), key=lambda one: one.created):
        ours = [one for one in annotation.result if one.get("from_name") == _CONTROL]
        chosen = [label for one in ours for label in one.get("value", {}).get("choices", ())]
        if annotation.cancelled:
            found[annotation.annotator] = SKIP
        elif chosen:
            found[annotation.annotator] = str(chosen[0])
    return found


def _data_uri(source: Source, place: int) -> str:
    file = source.path / source.ids[place]
    image = read_image(file, str(file)).convert("RGB")
    image.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    written = io.BytesIO()
    image.save(written, "JPEG", quality=_JPEG_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(written.getvalue()).decode()}"

"""Labeling by people: what they have, batches with a control arm, and how good the model is by it."""

from ladle.labeling.answers import read_answers
from ladle.labeling.control import AccuracyPoint, ControlAnswer, accuracy_curve
from ladle.labeling.project import SKIP, LabelingProject, Pick, Status
from ladle.labeling.sources import Source, open_source

__all__ = [
    "SKIP",
    "AccuracyPoint",
    "ControlAnswer",
    "LabelingProject",
    "Pick",
    "Source",
    "Status",
    "accuracy_curve",
    "open_source",
    "read_answers",
]

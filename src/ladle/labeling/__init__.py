"""Labeling by people: what they have, batches with a control arm, and how good the model is by it."""

from ladle.labeling.answers import read_answers
from ladle.labeling.control import AccuracyPoint, ControlAnswer, accuracy_curve
from ladle.labeling.cross_validation import Measured, Snapshot, cross_validate
from ladle.labeling.forecast import Forecast, forecast_saving, read_forecast
from ladle.labeling.project import SKIP, LabelingProject, Pick, Status
from ladle.labeling.sources import Source, open_source
from ladle.labeling.stopping import StoppingHint, stopping_hint

__all__ = [
    "SKIP",
    "AccuracyPoint",
    "ControlAnswer",
    "Forecast",
    "LabelingProject",
    "Measured",
    "Pick",
    "Snapshot",
    "Source",
    "Status",
    "StoppingHint",
    "accuracy_curve",
    "cross_validate",
    "forecast_saving",
    "open_source",
    "read_answers",
    "read_forecast",
    "stopping_hint",
]

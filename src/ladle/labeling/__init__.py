"""Labeling by people: what they have, batches with a control arm, who answered what, and how good the model is."""

from ladle.labeling.annotators import Agreement, Opinion, agreement
from ladle.labeling.answers import SKIP, UNSURE, read_answers
from ladle.labeling.control import AccuracyPoint, ControlAnswer, accuracy_curve
from ladle.labeling.cross_validation import Measured, Snapshot, cross_validate
from ladle.labeling.desk import Desk, Forecasting, Handed, Planning, check_desk
from ladle.labeling.exports import check_kind, copy_by_class, labels_as, rows_as
from ladle.labeling.forecast import Forecast, forecast_saving, read_forecast
from ladle.labeling.planning import Plan, plan_at_random, plan_batch
from ladle.labeling.project import LabelingProject, Pick, Status
from ladle.labeling.receipts import Receipt, receipts
from ladle.labeling.sources import Source, open_source
from ladle.labeling.stopping import StoppingHint, stopping_hint
from ladle.labeling.trained import TrainedModel, load_trained, save_trained

__all__ = [
    "SKIP",
    "UNSURE",
    "AccuracyPoint",
    "Agreement",
    "ControlAnswer",
    "Desk",
    "Forecast",
    "Forecasting",
    "Handed",
    "LabelingProject",
    "Measured",
    "Opinion",
    "Pick",
    "Plan",
    "Planning",
    "Receipt",
    "Snapshot",
    "Source",
    "Status",
    "StoppingHint",
    "TrainedModel",
    "accuracy_curve",
    "agreement",
    "check_desk",
    "check_kind",
    "copy_by_class",
    "cross_validate",
    "forecast_saving",
    "labels_as",
    "load_trained",
    "open_source",
    "plan_at_random",
    "plan_batch",
    "read_answers",
    "read_forecast",
    "receipts",
    "rows_as",
    "save_trained",
    "stopping_hint",
]

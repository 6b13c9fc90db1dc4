"""Labeling by people: what they have, batches with a control arm, who answered what, and how good the model is."""

from ladle.labeling.annotators import Agreement, Opinion, agreement
from ladle.labeling.answers import read_answers
from ladle.labeling.control import AccuracyPoint, ControlAnswer, accuracy_curve
from ladle.labeling.desk import Desk, Handed, Planning
from ladle.labeling.exports import check_kind, copy_by_class, labels_as, rows_as
from ladle.labeling.project import SKIP, UNSURE, LabelingProject, Pick, Plan, Status
from ladle.labeling.receipts import Receipt, receipts
from ladle.labeling.sources import Source, open_source
from ladle.labeling.trained import TrainedModel, load_trained, save_trained

__all__ = [
    "SKIP",
    "UNSURE",
    "AccuracyPoint",
    "Agreement",
    "ControlAnswer",
    "Desk",
    "Handed",
    "LabelingProject",
    "Opinion",
    "Pick",
    "Plan",
    "Planning",
    "Receipt",
    "Source",
    "Status",
    "TrainedModel",
    "accuracy_curve",
    "agreement",
    "check_kind",
    "copy_by_class",
    "labels_as",
    "load_trained",
    "open_source",
    "read_answers",
    "receipts",
    "rows_as",
    "save_trained",
]

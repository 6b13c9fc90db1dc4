"""What the accuracies of finished experiments say: who beats whom, how fast, and how many labels that saves.

NumPy arrays in and out. K = methods, R = rounds (evaluations), S = seeds; an experiment is one (K, R, S) array.
"""

from __future__ import annotations

from ladle.statistics.badge_penalty import badge_pairwise_penalty
from ladle.statistics.curves import area_under_budget_curve
from ladle.statistics.label_savings import LabelsToTarget, label_savings, labels_to_reach
from ladle.statistics.penalty import loss_scores, pairwise_penalty

__all__ = [
    "LabelsToTarget",
    "area_under_budget_curve",
    "badge_pairwise_penalty",
    "label_savings",
    "labels_to_reach",
    "loss_scores",
    "pairwise_penalty",
]

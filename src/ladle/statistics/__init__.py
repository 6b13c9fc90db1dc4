"""What the accuracies of finished experiments say: who beats whom, how fast, and how many labels that saves.

NumPy arrays in and out. K = methods, R = rounds (evaluations), S = seeds; an experiment is one (K, R, S) array.
"""

from __future__ import annotations

from ladle.statistics.badge_penalty import badge_pairwise_penalty
from ladle.statistics.bounds import (
    BoundConstants,
    Contraction,
    contraction,
    contraction_factor,
    discrepancy_sum,
    generalization_bound,
    simplified_bound,
)
from ladle.statistics.corrections import adjusted_p_values, paired_p_values
from ladle.statistics.curves import area_under_budget_curve
from ladle.statistics.effects import PairedEffect, bootstrap_interval, paired_effect
from ladle.statistics.label_savings import LabelsToTarget, label_savings, labels_to_reach
from ladle.statistics.learning_curve import LearningCurve, fit_learning_curve, sample_learning_curves
from ladle.statistics.penalty import loss_scores, pairwise_penalty
from ladle.statistics.power import power_of_paired_test, seeds_needed
from ladle.statistics.profiles import performance_profiles
from ladle.statistics.ranks import Ranking, friedman

__all__ = [
    "BoundConstants",
    "Contraction",
    "LabelsToTarget",
    "LearningCurve",
    "PairedEffect",
    "Ranking",
    "adjusted_p_values",
    "area_under_budget_curve",
    "badge_pairwise_penalty",
    "bootstrap_interval",
    "contraction",
    "contraction_factor",
    "discrepancy_sum",
    "fit_learning_curve",
    "friedman",
    "generalization_bound",
    "label_savings",
    "labels_to_reach",
    "loss_scores",
    "paired_effect",
    "paired_p_values",
    "pairwise_penalty",
    "performance_profiles",
    "power_of_paired_test",
    "sample_learning_curves",
    "seeds_needed",
    "simplified_bound",
]

"""Experiments: many sessions under one protocol, stored so that statistics and figures never need a training again."""

from ladle.experiments.config import (
    ExperimentConfig,
    ScheduleConfig,
    experiment_from,
    list_experiments,
    read_experiment,
)
from ladle.experiments.results import ExperimentResults
from ladle.experiments.runner import Progress, check_fit, run_experiment
from ladle.experiments.store import ExperimentStore

__all__ = [
    "ExperimentConfig",
    "ExperimentResults",
    "ExperimentStore",
    "Progress",
    "ScheduleConfig",
    "check_fit",
    "experiment_from",
    "list_experiments",
    "read_experiment",
    "run_experiment",
]

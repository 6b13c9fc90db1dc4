"""Experiments: many sessions under one protocol, stored so that statistics and figures never need a training again."""

from ladle.experiments.archive import load_experiments, save_experiments
from ladle.experiments.config import (
    ExperimentConfig,
    ScheduleConfig,
    experiment_from,
    list_experiments,
    read_experiment,
)
from ladle.experiments.cost import Pace, Work, calibrate, hours, work_left
from ladle.experiments.results import ExperimentResults
from ladle.experiments.runner import Progress, check_fit, check_machine, run_experiment
from ladle.experiments.store import ExperimentStore
from ladle.experiments.suites import find_experiments, list_suites, suite, suite_experiments
from ladle.experiments.sweep import sweep_key

__all__ = [
    "ExperimentConfig",
    "ExperimentResults",
    "ExperimentStore",
    "Pace",
    "Progress",
    "ScheduleConfig",
    "Work",
    "calibrate",
    "check_fit",
    "check_machine",
    "experiment_from",
    "find_experiments",
    "hours",
    "list_experiments",
    "list_suites",
    "load_experiments",
    "read_experiment",
    "run_experiment",
    "save_experiments",
    "suite",
    "suite_experiments",
    "sweep_key",
    "work_left",
]

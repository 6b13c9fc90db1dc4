"""What a claim of the paper is, and which experiments may reproduce one: those on the paper's own data, whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from ladle.experiments import ExperimentResults, suite
from ladle.experiments.suites import IMAGE_POOLS
from ladle.reports.experiment_sets import data_of, model_of
from ladle.reports.formats import format_names
from ladle.reports.orderings import Verdict


@dataclass(frozen=True)
class Claim:
    """One sentence of the paper and what became of it.

    Attributes:
        section: of the paper.
        text: the claim, in our words.
        verdict: how it fell.
        number: what decides it, with where it is from.
    """

    section: str
    text: str
    verdict: Verdict
    number: str


def is_the_papers(experiment: ExperimentResults) -> bool:
    """Say whether an experiment is on a data set and network of the paper's, with all the data the paper took."""
    data = data_of(experiment)
    size = experiment.config["data"].get("pool_size")
    papers = IMAGE_POOLS.get(data)
    whole = size is None or (papers is not None and size >= papers)
    return whole and (data, model_of(experiment)) in _papers_settings()


def capped(verdict: Verdict, number: str, experiments: Sequence[ExperimentResults]) -> tuple[Verdict, str]:
    """Lower "reproduced" to "mixed" where an experiment is not the paper's, and say which are not.

    Args:
        verdict: as the numbers have it.
        number: what decides it.
        experiments: all that it was judged by.
    """
    others = [one.name for one in experiments if not is_the_papers(one)]
    if not others:
        return verdict, number
    if verdict == "reproduced":
        return "mixed", f"{number}; at best mixed, since the data of {format_names(others)} are not the paper's"
    return verdict, f"{number}; not the paper's data: {format_names(others)}"


def about(experiments: Sequence[ExperimentResults], data: Sequence[str], model: str | None) -> list[ExperimentResults]:
    """Return the experiments that a sentence on some data and network is held against: the paper's, if there are any.

    Args:
        experiments: what is stored.
        data: names of data sets, whole or in part.
        model: the network; None for any.
    """
    found = [one for one in experiments if data_of(one) in data and model in (None, model_of(one))]
    return [one for one in found if is_the_papers(one)] or found


@cache
def _papers_settings() -> frozenset[tuple[str, str]]:
    """Return the pairs of data set and network of section 4.3."""
    return frozenset(
        (config.data.name, config.model.name)
        for name in ("paper/text-tabular", "paper/images")
        for config in suite(name)
    )

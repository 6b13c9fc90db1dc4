"""Examine every strategy of every library, hold ours against theirs, and write results.json and docs/conformance.md."""

from __future__ import annotations

import argparse
import json
import platform
import warnings
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from equalities import EQUALITIES, problems
from equalities import REMARKS as DIFFERENCES

from ladle.testing import CONTRACTS, examine_strategy
from page import page, unaccounted

HERE = Path(__file__).parent
LIBRARIES = ("of_ladle", "of_scikit_activeml", "of_small_text", "of_modal")
WRITTEN_OUT = "written-out gradients"


def library(module: ModuleType, equal: dict[str, bool]) -> dict[str, Any]:
    """Return what came of every contract for every strategy of a library.

    Args:
        module: one of ``LIBRARIES``.
        equal: whether a strategy picks the same from gradients written out, for those that say so.
    """
    strategies = {}
    for name, select in module.STRATEGIES.items():
        outcomes = {
            outcome.contract: {"verdict": outcome.verdict, "why": outcome.why} for outcome in examine_strategy(select)
        }
        for contract, why in module.NOT_ASKED.get(name, {}).items():
            outcomes[contract] = {"verdict": "not applicable", "why": why}
        if name in equal:
            outcomes[WRITTEN_OUT] = {"verdict": "kept" if equal[name] else "broken", "why": ""}
        else:
            why = module.GRADIENTS.get(name, "it takes no gradients")
            outcomes[WRITTEN_OUT] = {"verdict": "not applicable", "why": why}
        strategies[name] = outcomes
        broken = [contract for contract, outcome in outcomes.items() if outcome["verdict"] == "broken"]
        print(f"{module.PACKAGE} {name}: {', '.join(broken) or 'nothing'} broken", flush=True)
    return {
        "name": module.PACKAGE,
        "version": version(module.PACKAGE),
        "how": module.HOW,
        "remarks": module.REMARKS,
        "not promised": sorted(module.NOT_PROMISED),
        "public": module.PUBLIC,
        "left out": module.LEFT_OUT,
        "strategies": strategies,
    }


def equalities() -> list[dict[str, Any]]:
    """Return on how many problems two ways give the same."""
    found = []
    for equality in EQUALITIES:
        same = [equality.same(problem, seed) for problem, seed in problems()]
        row = {"ours": equality.ours, "theirs": equality.theirs, "compared": equality.compared}
        found.append(row | {"same": sum(same), "of": len(same)})
        print(found[-1], flush=True)
    return found


def main() -> None:
    """Run all of it; about ten minutes, half of them to start a process for each strategy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=HERE / "results.json")
    parser.add_argument("--docs", type=Path, default=HERE.parent / "docs")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    pairs = equalities()
    equal = {row["ours"]: row["same"] == row["of"] for row in pairs if row["theirs"] == "gradients written out"}
    results = {
        "versions": {"Python": platform.python_version()}
        | {name: version(name) for name in ("numpy", "scipy", "scikit-learn", "torch")},
        "contracts": {name: str(check.__doc__).splitlines()[0] for name, check in CONTRACTS.items()}
        | {WRITTEN_OUT: "Check that the picks are those from gradients written out by automatic differentiation."},
        "libraries": [
            library(module, equal if name == "of_ladle" else {})
            for name, module in ((name, import_module(name)) for name in LIBRARIES)
        ],
        "equalities": pairs,
        "differences": DIFFERENCES,
    }
    options.results.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    (options.docs / "conformance.md").write_text(page(results))
    failed = failures(results)
    if failed:
        raise SystemExit("\n".join(failed))


def failures(results: dict[str, Any]) -> list[str]:
    """Return what should not be: a contract that Ladle breaks, a difference without a reason, a strategy forgotten."""
    ours = results["libraries"][0]["strategies"]
    broken = [
        f"{name} breaks {contract}: {outcome['why']}"
        for name, outcomes in ours.items()
        for contract, outcome in outcomes.items()
        if outcome["verdict"] == "broken"
    ]
    differ = [
        f"{row['ours']} and {row['theirs']}: {row['compared']} the same on {row['same']} of {row['of']}"
        for equality, row in zip(EQUALITIES, results["equalities"], strict=True)
        if row["same"] < row["of"] and not equality.differs
    ]
    forgotten = [
        f"{library['name']} {name}: public, and neither asked nor left out, or the other way round"
        for library in results["libraries"]
        for name in unaccounted(library)
    ]
    return broken + differ + forgotten


if __name__ == "__main__":
    main()

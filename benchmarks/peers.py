"""Other libraries on the same arrays: run in an environment of its own (make bench-peers), prints a JSON line each."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from timing import forget_peak, peak_memory

LABELED, BUDGET, CLASSES, THREADS = 1000, 500, 10, 2
# A loop of so many passes that a few picks tell how long all would take; more is not waited for.
FEW = 20


def report(library: str, method: str, picks: int, run: Callable[[], Any]) -> None:
    """Time one call and print it."""
    before, started = forget_peak(), time.perf_counter()
    chosen = run()
    seconds = time.perf_counter() - started
    found = {"library": library, "method": method, "picks": picks, "seconds": seconds}
    print(json.dumps(found | {"distinct": len(np.unique(chosen)), "memory": peak_memory() - before}), flush=True)


def scikit_activeml(method: str, features: Any, residuals: Any) -> None:
    """Run scikit-activeml's BADGE or core-set."""
    from skactiveml.base import SkactivemlClassifier  # type: ignore[import-not-found]
    from skactiveml.pool import Badge, CoreSet  # type: ignore[import-not-found]

    answer = np.full(len(features), np.nan)
    answer[:LABELED] = np.arange(LABELED) % CLASSES
    probabilities = np.where(residuals < 0, residuals + 1, residuals)

    class Given(SkactivemlClassifier):  # type: ignore[misc]
        """A classifier that answers what it was given, for the unlabeled rows."""

        def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:  # noqa: N803, ARG002
            return self

        def predict_proba(self, X: Any) -> Any:  # noqa: N803
            return probabilities[-len(X) :]

    if method == "BADGE":
        strategy = Badge(random_state=0)
        run = lambda: strategy.query(
            features, answer, Given(classes=np.arange(CLASSES)), fit_clf=False, batch_size=BUDGET
        )
    else:
        core_set = CoreSet(random_state=0)
        run = lambda: core_set.query(features, answer, batch_size=BUDGET)
    report("scikit-activeml 1.0.1", method, BUDGET, run)


def small_text(method: str, features: Any, residuals: Any) -> None:
    """Run small-text's BADGE or core-set."""
    rows = np.arange(len(features))
    if method == "BADGE":
        from small_text.integrations.pytorch.query_strategies.strategies import BADGE  # type: ignore[import-not-found]

        probabilities = np.where(residuals < 0, residuals + 1, residuals)
        labels = np.arange(LABELED) % CLASSES
        strategy = BADGE(CLASSES)
        report(
            "small-text 1.4.1",
            method,
            BUDGET,
            lambda: strategy.sample(
                None, None, rows[LABELED:], rows[:LABELED], labels, BUDGET, features, embeddings_proba=probabilities
            ),
        )
    else:
        from small_text.query_strategies.coresets import greedy_coreset  # type: ignore[import-not-found]

        report(
            "small-text 1.4.1",
            method,
            FEW,
            lambda: greedy_coreset(features, rows[LABELED:], rows[:LABELED], FEW, distance_metric="euclidean"),
        )


def main() -> None:
    """Run one library's one method on the arrays of a file; without naming one, all, each in its own process."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(THREADS)
    if len(sys.argv) == 2:
        for library in ("scikit_activeml", "small_text"):
            for method in ("BADGE", "k-center"):
                found = subprocess.run(
                    [sys.executable, __file__, sys.argv[1], library, method],
                    capture_output=True,
                    text=True,
                    check=False,
                )
                print(found.stdout, end="", flush=True)
                if found.returncode:
                    reason = (found.stderr.strip() or f"ended with {found.returncode}").splitlines()[-1]
                    print(json.dumps({"library": library.replace("_", "-"), "method": method, "failed": reason}))
        return
    arrays = np.load(sys.argv[1])
    {"scikit_activeml": scikit_activeml, "small_text": small_text}[sys.argv[2]](
        sys.argv[3], arrays["features"], arrays["residuals"]
    )


if __name__ == "__main__":
    main()

"""Does the forecast of label savings cover the truth? Labeling is replayed with known labels; writes docs/forecast.md.

What is measured is kept in results/forecast.json and not measured again: more seeds go on with those that are there.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from forecast_page import page
from torch import nn

from ladle.data.newsgroups import newsgroups_mirror
from ladle.labeling import LabelingProject, Snapshot, Source, cross_validate, forecast_saving
from ladle.labeling.readers import text_rows, texts_reader
from ladle.models import TrainingConfig, build_model, evaluate, train
from ladle.typing import Inputs

HERE = Path(__file__).parent
RESULTS, PAGE = HERE / "results" / "forecast.json", HERE.parent / "docs" / "forecast.md"
STRATEGIES = ("margin", "badge", "random")
#: Trainings on the same labels that the true accuracy is averaged over: a single one's luck is nobody's merit.
TRAININGS = 3


@dataclass(frozen=True)
class Setting:
    """How one data set is replayed.

    Attributes:
        pool: examples that may be labeled.
        test: examples the true accuracies are measured on; at most so many.
        batch: labels of a batch; the first one is random.
        points: numbers of labels at which a forecast is made.
        sizes: numbers of labels at which pure random labeling is measured.
    """

    pool: int
    test: int
    batch: int
    points: tuple[int, ...]
    sizes: tuple[int, ...]


SETTINGS = {
    "digits": Setting(
        800, 997, 20, (80, 120, 180, 240), (15, 20, 30, 40, 60, 80, 110, 150, 200, 270, 360, 480, 620, 800)
    ),
    "20newsgroups": Setting(1000, 1500, 20, (100, 200), (20, 40, 70, 100, 140, 200, 280, 400, 600, 900)),
}
#: One group of each kind: all twenty take thousands of labels to be told apart at all, and hours to replay.
GROUPS = ("comp.graphics", "rec.sport.hockey", "sci.med", "talk.politics.mideast")


@dataclass(frozen=True)
class Data:
    """A source with its labels, and test examples."""

    source: Source
    labels: np.ndarray[tuple[int], np.dtype[np.int64]]
    test: Inputs
    test_labels: np.ndarray[tuple[int], np.dtype[np.int64]]
    classes: tuple[str, ...]

    @property
    def build(self) -> Callable[[], nn.Module]:
        inputs = self.source.inputs
        sparse = not isinstance(inputs, torch.Tensor)
        return build_model("mlp", example_shape=tuple(inputs.shape[1:]), classes=len(self.classes), sparse=sparse)


def digits(setting: Setting) -> Data:
    """Return scikit-learn's digits, shuffled: as they come they are sorted by writer."""
    from sklearn.datasets import load_digits

    inputs, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    rows, labels = torch.from_numpy(inputs[order] / 16).float(), labels[order].astype(np.int64)
    ids = tuple(str(row) for row in range(setting.pool))
    source = Source("embeddings", Path("digits.npy"), ids, ids, rows[: setting.pool], "mlp")
    end = setting.pool + setting.test
    return Data(
        source,
        labels[: setting.pool],
        rows[setting.pool : end],
        labels[setting.pool : end],
        tuple(str(digit) for digit in range(10)),
    )


def newsgroups(setting: Setting) -> Data:
    """Return posts of four groups that are not empty, the words weighted as ``ladle next`` does it, by the pool alone."""
    from sklearn.datasets import fetch_20newsgroups

    home = os.environ.get("LADLE_DATA_HOME")
    mirror = newsgroups_mirror(Path(home)) if home else None
    parts = {}
    for part, count in (("train", setting.pool), ("test", setting.test)):
        posts = fetch_20newsgroups(
            data_home=mirror,
            subset=part,
            categories=list(GROUPS),
            remove=("headers", "footers", "quotes"),
            shuffle=False,
            download_if_missing=mirror is None,
        )
        full = [row for row, text in enumerate(posts.data) if text.strip()]
        rows = np.random.default_rng(0).permutation(full)[:count]
        parts[part] = [posts.data[row] for row in rows], np.asarray(posts.target, dtype=np.int64)[rows]
        names = tuple(posts.target_names)
    words = texts_reader().fit(parts["train"][0])
    ids = tuple(str(row) for row in range(setting.pool))
    source = Source("texts", Path("posts.csv"), ids, ids, text_rows(words, parts["train"][0]), "mlp", words)
    return Data(source, parts["train"][1], text_rows(words, parts["test"][0]), parts["test"][1], names)


LOADERS = {"digits": digits, "20newsgroups": newsgroups}


def random_curve(data: Data, setting: Setting, seed: int) -> list[float]:
    """Return the test accuracy of pure random labeling at each size, one labeling that grows."""
    order = np.random.default_rng([1, seed]).permutation(setting.pool)
    return [accuracy_of(data, order[:size], seed) for size in setting.sizes]


def accuracy_of(data: Data, rows: np.ndarray[Any, np.dtype[np.int64]], seed: int) -> float:
    """Return the test accuracy of a model trained on these examples."""
    labels = torch.from_numpy(data.labels[rows])
    model = train(data.build, data.source.inputs[rows], labels, TrainingConfig(), seed=seed)
    return evaluate(model, data.test, torch.from_numpy(data.test_labels))


def replay(data: Data, setting: Setting, strategy: str, seed: int) -> Iterator[dict[str, Any]]:
    """Label through a project as people would, and yield what is known at each point."""
    with LabelingProject(data.source, classes=data.classes, store="sqlite://", strategy=strategy, seed=seed) as project:
        for labeled in range(setting.batch, max(setting.points) + 1, setting.batch):
            picks = project.next(setting.batch)
            project.ingest({pick.id: data.classes[data.labels[int(pick.id)]] for pick in picks})
            if labeled in setting.points:
                rows = project.session.labeled
                true = [accuracy_of(data, rows, 1000 * seed + number) for number in range(TRAININGS)]
                hint = project.stopping_hint()
                yield {
                    "labeled": labeled,
                    "test_accuracy": true,
                    "stop": None if hint is None else hint.most,
                    **measured(project.snapshot()),
                }


def measured(snapshot: Snapshot) -> dict[str, Any]:
    """Return what the forecast is read from, so that reading it otherwise later needs no training."""
    facts = {"drawn": int(snapshot.drawn.sum()), "start": snapshot.start, "seed": snapshot.seed}
    # Networks that cannot be built tell whether the forecast would train any.
    try:
        early = forecast_saving(replace(snapshot, build=_refuse))
    except _WouldTrainError:
        found = cross_validate(snapshot)
        return facts | {
            "why": "",
            "sizes": found.sizes.tolist(),
            "accuracies": found.accuracies.tolist(),
            "covariance": found.covariance.tolist(),
        }
    return facts | {"why": early.why}


class _WouldTrainError(Exception):
    """A network was asked for."""


def _refuse() -> nn.Module:
    raise _WouldTrainError


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="*", default=list(SETTINGS), choices=list(SETTINGS))
    parser.add_argument("--seeds", type=int, default=6, help="replays of each data set and strategy")
    parser.add_argument("--random-seeds", type=int, default=12, help="pure random labelings of each data set")
    parser.add_argument("--minutes", type=float, default=25, help="nothing new is begun after this")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--page", type=Path, default=PAGE)
    words = parser.parse_args()
    torch.set_num_threads(1)
    stored = json.loads(words.results.read_text()) if words.results.exists() else {"random": {}, "runs": []}
    end = time.monotonic() + 60 * words.minutes
    data = {name: LOADERS[name](SETTINGS[name]) for name in words.data}

    def keep() -> None:
        words.results.write_text(json.dumps(stored) + "\n")

    for seed in range(max(words.seeds, words.random_seeds)):
        for name, one in data.items():
            setting = SETTINGS[name]
            curves = stored["random"].setdefault(
                name, {"sizes": setting.sizes, "pool": setting.pool, "test": len(one.test_labels), "curves": {}}
            )
            if seed < words.random_seeds and str(seed) not in curves["curves"] and time.monotonic() < end:
                curves["curves"][str(seed)] = random_curve(one, setting, seed)
                keep()
            for strategy in STRATEGIES if seed < words.seeds else ():
                key = {"data": name, "strategy": strategy, "run": seed}
                if any(key.items() <= run.items() for run in stored["runs"]) or time.monotonic() > end:
                    continue
                started = time.monotonic()
                points = [key | {"classes": len(one.classes)} | point for point in replay(one, setting, strategy, seed)]
                stored["runs"] += points
                keep()
                print(f"{name}, {strategy}, seed {seed}: {time.monotonic() - started:.0f} s", flush=True)
    words.page.write_text(page(stored))


if __name__ == "__main__":
    main()

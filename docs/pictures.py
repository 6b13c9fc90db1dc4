"""Draws the pictures of docs/concepts from scikit-learn's digits: `python docs/pictures.py`, about a minute."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from ladle import Session
from ladle.gradients import mean_gradient
from ladle.labeling import AccuracyPoint, LabelingProject, Source
from ladle.models import TrainingConfig
from ladle.reports.figures.style import CATALOG, FULL_WIDTH, paper_style
from ladle.strategies import PoolOutputs, find_strategy

IMAGES = Path(__file__).parent / "images"
GRAY, BLACK, ORANGE, BLUE, GREEN = "#B8B8B8", "#1A1A1A", "#D55E00", "#0072B2", "#009E73"
TRAINING = TrainingConfig(epochs=30, learning_rate=0.01)
INPUTS, LABELS = load_digits(return_X_y=True)
INPUTS = (INPUTS / 16).astype(np.float32)


def session_of(labeled: int) -> Session:
    """Return a session over all digits with so many random labels."""
    session = Session(INPUTS, "mlp", classes=10, strategy="grad", training=TRAINING)
    first = session.ask(labeled)
    session.tell(first, LABELS[first])
    return session


def gradients(outputs: PoolOutputs) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Write out the last-layer gradients of the pool, (n, C (d + 1)), and the mean labeled one."""
    h = torch.cat([outputs.features, torch.ones(len(outputs.features), 1)], dim=1).double()
    guessed = outputs.loss.pseudo_residuals(outputs.logits).double()
    known = outputs.loss.residuals(outputs.logits[outputs.labeled], outputs.labels)
    mean = mean_gradient(known, outputs.features[outputs.labeled], bias=outputs.bias)
    return torch.einsum("nc,nd->ncd", guessed, h).flatten(1).numpy(), mean.double().flatten().numpy()


def thumbnail(axes: Axes, index: int, title: str) -> None:
    """Draw one digit."""
    axes.imshow(INPUTS[index].reshape(8, 8), cmap="gray_r")
    axes.set(xticks=[], yticks=[])
    axes.grid(visible=False)
    axes.set_title(title, fontsize=6.5, pad=2)


def draw_discrepancy(path: Path) -> None:
    """The pool's gradients around the mean labeled one, and the images nearest to it and farthest from it."""
    outputs = session_of(40).outputs()
    rows, mean = gradients(outputs)
    away = rows - mean
    distances = np.linalg.norm(away, axis=1)
    unlabeled = np.setdiff1d(np.arange(len(rows)), outputs.labeled)
    order = unlabeled[np.argsort(distances[unlabeled])]
    most, least = order[::-1][:5], order[:5]
    directions = np.linalg.svd(away[unlabeled], full_matrices=False)[2][:2]
    flat = away @ directions.T
    guesses = outputs.logits.argmax(dim=1).numpy()
    probabilities = torch.softmax(outputs.logits, dim=1).amax(dim=1).numpy()

    figure = Figure(figsize=(FULL_WIDTH, 3.1), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[1, 1.1])
    axes = left.subplots()
    axes.scatter(*flat[unlabeled].T, s=4, color=GRAY, label="unlabeled, by the model's guess")
    for index in most:
        axes.plot([0, flat[index, 0]], [0, flat[index, 1]], color=ORANGE, linewidth=0.8)
    axes.scatter(*flat[most].T, s=16, color=ORANGE, label="largest discrepancy", zorder=3)
    axes.scatter(0, 0, marker="+", s=90, color=BLACK, label="mean labeled gradient", zorder=4)
    axes.set(xlabel="first direction of the gradients", ylabel="second direction", aspect="equal")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.24), ncols=1)
    cells = right.subplots(2, 5)
    for row, (name, indices) in enumerate((("largest", most), ("smallest", least))):
        for cell, index in zip(cells[row], indices, strict=True):
            said = f"{distances[index]:.2g}\n“{guesses[index]}”, {100 * probabilities[index]:.0f} %"
            thumbnail(cell, index, said)
        cells[row, 0].set_ylabel(name)
    right.suptitle("distance; the model's guess, and how sure it is", fontsize=7.5)
    save(figure, path)


def draw_batches(path: Path) -> None:
    """The cosine between the gradients of every two of 20 picks, strategy by strategy."""
    outputs = session_of(40).outputs()
    rows, _ = gradients(outputs)
    directions = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    names = ("grad", "grad-cosine", "grad-volume", "grad-d2")
    figure = Figure(figsize=(FULL_WIDTH, 2.2), layout="constrained")
    for axes, name in zip(figure.subplots(1, 4), names, strict=True):
        picks = find_strategy(name).select(outputs, 20, generator=np.random.default_rng(0))
        cosines = directions[picks] @ directions[picks].T
        drawn = axes.imshow(cosines, vmin=-1, vmax=1, cmap="PuOr_r")
        axes.grid(visible=False)
        axes.set(xticks=[0, 9, 19], xticklabels=["1", "10", "20"], yticks=[0, 9, 19], yticklabels=["1", "10", "20"])
        twins = int((np.triu(cosines, 1).max(axis=0)[1:] > 0.9).sum())
        axes.set_title(f"{name}\n{twins} of 20 nearly repeat\nan earlier pick")
        axes.set_xlabel("pick")
    figure.colorbar(drawn, ax=figure.axes, label="cosine", shrink=0.75)
    save(figure, path)


def replayed(seed: int) -> tuple[list[dict[str, float]], Sequence[AccuracyPoint]]:
    """Replay a labeling of half of the digits: what four ways of measuring say, before each batch is labeled."""
    order = np.random.default_rng(seed).permutation(len(INPUTS))
    pool, test = order[: len(order) // 2], order[len(order) // 2 :]
    names = tuple(str(place) for place in pool)
    source = Source("embeddings", Path("digits"), names, names, torch.from_numpy(INPUTS[pool]), "mlp")
    told: list[dict[str, float]] = []
    classes = [str(digit) for digit in range(10)]
    with LabelingProject(source, classes=classes, store="sqlite://", training=TRAINING, seed=seed) as project:
        while len(project.session.labeled) < 300:
            picks = project.next(20)
            answers = {pick.id: str(LABELS[int(pick.id)]) for pick in picks}
            if len(project.session.labeled):
                session = project.session
                right: dict[bool, list[bool]] = {True: [], False: []}
                for pick in picks:
                    right[pick.control].append(pick.guess == answers[pick.id])
                told.append(
                    {
                        "labels": len(session.labeled),
                        "control": float(np.mean(right[True])),
                        "picks": float(np.mean(right[False])),
                        "labeled": session.evaluate(INPUTS[pool[session.labeled]], session.labels),
                        "test": session.evaluate(INPUTS[test], LABELS[test]),
                    }
                )
            project.ingest(answers)
        return told, project.status().curve


def draw_control_arm(path: Path, seeds: int = 10) -> None:
    """Four ways to measure accuracy, averaged over replays; and the first replay as its owner saw it."""
    replays = [replayed(seed) for seed in range(seeds)]
    labels = [point["labels"] for point in replays[0][0]]
    figure = Figure(figsize=(FULL_WIDTH, 2.7), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for key, color, dash, name in (
        ("test", BLACK, "-", "the other half of the digits: the truth"),
        ("control", GREEN, "-", "control arm, guessed before labeled"),
        ("picks", CATALOG["margin"].color, "-.", "what margin picked, guessed before labeled"),
        ("labeled", ORANGE, "--", "the labels it was trained on"),
    ):
        means = np.mean([[point[key] for point in told] for told, _ in replays], axis=0)
        left.plot(labels, 100 * means, color=color, linestyle=dash, label=name)
    left.set(xlabel="labels", ylabel="accuracy, %", title=f"mean of {seeds} replays")
    told, curve = replays[0]
    shown = [point.labeled for point in curve]
    right.fill_between(
        shown, [100 * p.low for p in curve], [100 * p.high for p in curve], color=GREEN, alpha=0.2, linewidth=0
    )
    right.plot(shown, [100 * p.accuracy for p in curve], color=GREEN, label="as shown, with its 95 % interval")
    right.plot(labels, [100 * point["test"] for point in told], color=BLACK, label="the truth")
    points = [(point, told["test"]) for replay, curve in replays for told, point in zip(replay, curve, strict=True)]
    held = sum(point.low <= truth <= point.high for point, truth in points)
    right.set(xlabel="labels", title=f"one of them; over all, truth inside at {held} of {len(points)}")
    left.legend(loc="lower right")
    right.legend(loc="lower right")
    save(figure, path)


def save(figure: Figure, path: Path) -> None:
    """Write the figure; the same numbers give the same bytes."""
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Draw all of them."""
    torch.set_num_threads(1)
    with paper_style():
        draw_discrepancy(IMAGES / "discrepancy.svg")
        draw_batches(IMAGES / "batches.svg")
        draw_control_arm(IMAGES / "control-arm.svg")


if __name__ == "__main__":
    main()

"""``ladle select``: a batch from arrays that someone brings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def select(
    features: Annotated[Path, typer.Option(help="Input of the last linear layer, a row an example: .npy or .parquet.")],
    logits: Annotated[Path, typer.Option(help="Output of the last linear layer, a row an example: .npy or .parquet.")],
    labeled: Annotated[Path, typer.Option(help="CSV with the columns index and label: what is labeled already.")],
    budget: Annotated[int, typer.Option(help="How many examples to pick.")],
    strategy: Annotated[str, typer.Option(help="See: ladle strategies.")] = "grad",
    out: Annotated[Path, typer.Option(help="CSV to write: rank, index and, where there is one, score.")] = Path(
        "batch.csv"
    ),
    seed: Annotated[int, typer.Option(help="Of the draw, for strategies that draw.")] = 0,
    bias: Annotated[bool, typer.Option(help="Whether the last linear layer has a bias.")] = True,
) -> None:
    """Pick the batch to label next from your own model's features and logits.

    Example: `ladle select --features features.npy --logits logits.npy --labeled labels.csv --budget 100`
    """
    from ladle import selectors, strategies
    from ladle.data.array_files import read_labeled, read_matrix, write_batch

    chosen = strategies.find_strategy(strategy)
    rows, classes = read_labeled(labeled)
    h, z = read_matrix(features), read_matrix(logits)
    scores = None
    if chosen.is_score:
        all_scores = strategies.score(chosen, features=h, logits=z, labeled=rows, labels=classes, bias=bias)
        picks = selectors.top(all_scores, rows, budget)
        scores = all_scores[picks].tolist()
    else:
        picks = strategies.select(
            chosen, features=h, logits=z, labeled=rows, labels=classes, budget=budget, seed=seed, bias=bias
        )
    write_batch(out, picks, scores)
    Console().print(
        f"{budget} of {len(z) - len(rows)} unlabeled examples picked by {chosen.name}: {out}", soft_wrap=True
    )

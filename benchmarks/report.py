"""Write docs/performance.md and its figures from the stored results; fail if one misses its ratio."""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

HERE = Path(__file__).parent
DOCS = HERE.parent / "docs"
NAMES = ("selection", "scoring", "training", "table2", "large", "shards")
_OURS, _FLOOR, _PLAIN, _PEERS = "#1b6ca8", "#5f6b76", "#d08c2c", "#b0b7bf"


def load(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the stored results that there are."""
    return {name: json.loads(path.read_text()) for name in NAMES if (path := folder / f"{name}.json").exists()}


def passed(check: dict[str, Any]) -> bool:
    """Return whether a ratio reaches its target."""
    return bool(check["ratio"] <= check["at_most"] if "at_most" in check else check["ratio"] >= check["at_least"])


def missed(results: dict[str, dict[str, Any]]) -> list[str]:
    """Return a line for each ratio that misses its target."""
    return [
        f"{check['name']}: {check['ratio']:.2f} × {check['of']}, {target(check)}"
        for one in results.values()
        for check in one.get("checks", [])
        if not passed(check)
    ]


def target(check: dict[str, Any]) -> str:
    """Return the target for people."""
    return f"at most {check['at_most']:g} ×" if "at_most" in check else f"at least {check['at_least']:g} ×"


def page(results: dict[str, dict[str, Any]]) -> str:
    """Return the page, in Markdown."""
    parts = [
        "# Performance",
        "Speed is told as a ratio within one run: the time of a method over the time of the one matrix product that any "
        "exact method needs, or over another method's. Absolute times are of the machine named with each table. "
        "`make bench` measures what takes minutes, `make bench-large` the rest; both write `benchmarks/results/` and "
        "this page, and fail when a ratio misses its target.",
        _targets(results),
    ]
    sections = (
        ("selection", _selection),
        ("scoring", _scoring),
        ("table2", _table2),
        ("training", _training),
        ("large", _large),
        ("shards", _shards),
    )
    parts += [section(results[name]) for name, section in sections if name in results]
    return "\n\n".join(parts) + "\n"


def _targets(results: dict[str, dict[str, Any]]) -> str:
    rows = [
        [check["name"], f"{check['ratio']:.2f} × {check['of']}", target(check), "yes" if passed(check) else "**no**"]
        for one in results.values()
        for check in one.get("checks", [])
    ]
    return _grid(["what", "measured", "target", "reached"], rows)


def _machine(one: dict[str, Any]) -> str:
    machine = one["machine"]
    return (
        f"Measured {machine['date']} on {machine['cores']} cores ({machine['processor']}), {machine['threads']} "
        f"threads, torch {machine['torch']}."
    )


def _selection(one: dict[str, Any]) -> str:
    middle = {name: statistics.median(values) for name, values in one["seconds"].items()}
    rows = []
    for method, plain in (("badge", "plain badge"), ("k-center", "plain k-center")):
        name = "BADGE" if method == "badge" else method
        floor = middle[f"{method} floor"]
        rows.append([name, "the product alone", f"{floor:.3f}", "1.0", ""])
        rows.append(
            [name, "**Ladle**", f"{middle[method]:.3f}", f"{middle[method] / floor:.1f}", _mib(one["memory"][method])]
        )
        rows.append(
            [
                name,
                "plain NumPy, a pass a pick",
                f"{middle[plain]:.3f}",
                f"{middle[plain] / floor:.1f}",
                _mib(one["memory"][plain]),
            ]
        )
        for peer in one["peers"]:
            if peer["method"] == name:
                few = "" if peer["picks"] == one["setting"]["budget"] else f" ({peer['picks']} picks only)"
                rows.append(
                    [
                        name,
                        peer["library"] + few,
                        f"{peer['seconds']:.1f}",
                        f"{peer['seconds'] / floor:.0f}",
                        _mib(peer["memory"]),
                    ]
                )
    setting = one["setting"]
    return "\n\n".join(
        [
            "## Selecting 500 of 25,000",
            f"{setting['rows']:,} rows, {setting['width']} features, {setting['classes']} classes, "
            f"{setting['labeled']:,} labeled, {setting['budget']} picks, float32; medians, the functions taking turns. "
            "Memory is the peak beyond the inputs, in a process of its own. Other libraries run once, on the same "
            f"arrays, in an environment of their own (`make bench-peers`). {_machine(one)}",
            _grid(["method", "by", "seconds", "× product", "extra memory"], rows),
            "![Seconds for a batch of 500](performance-selection.png)",
            "Both methods stay near their product at every size of a batch; the smaller the batch, the more the fixed "
            "costs of a pass weigh.",
            "![Ratio to the product by size of the batch](performance-batch-size.png)",
        ]
    )


def _scoring(one: dict[str, Any]) -> str:
    middle = {name: 1000 * statistics.median(values) for name, values in one["seconds"].items()}
    rows = [[name, f"{value:.2f}"] for name, value in middle.items()]
    forward = [
        [
            name,
            f"{statistics.median(found['seconds']['forward']):.2f} s for {found['images']:,}",
            f"{found['ratio']:.3f}",
        ]
        for name, found in one["forward"].items()
    ]
    both, head = middle["head and reference in one product"], middle["head"]
    return "\n\n".join(
        [
            "## Scoring: grad against entropy",
            f"{one['setting']['rows']:,} rows, {one['setting']['width']} features, {one['setting']['classes']} classes; "
            f"medians. {_machine(one)}",
            _grid(["what", "milliseconds"], rows),
            f"Where the time of `grad` goes: the product with twice the columns takes {both:.1f} ms where the head alone "
            f"takes {head:.1f} ms, which is {both / middle['entropy with head']:.2f} × all of entropy; residuals, lengths "
            "and the discrepancy itself take the rest. Beside a forward pass neither shows:",
            _grid(["network", "forward pass", "grad over entropy, forward included"], forward),
        ]
    )


def _table2(one: dict[str, Any]) -> str:
    paper = one["paper_seconds"]
    parts = [
        "## The paper's table 2",
        "Seconds for one acquisition, mean ± std over rounds 1 to 5, CIFAR-10, pool of 25,000, batch of 500, outputs "
        "cached within the round. The paper's times are of another machine and count the forward pass that its "
        f"methods need. `ladle bench table2` redoes it. {_machine(one)}",
    ]
    for model, rows in one["models"].items():
        entropy = rows["entropy"]["with_forward"][0]
        table = [
            [
                name,
                _spread(row["selection"], 4),
                _spread(row["with_forward"], 2),
                f"{row['with_forward'][0] / entropy:.2f}",
                f"{paper[name]:.2f}",
                f"{paper[name] / paper['entropy']:.2f}",
            ]
            for name, row in rows.items()
        ]
        heads = ["strategy", "selection", "with forward pass", "× entropy", "paper (s)", "paper, × entropy"]
        parts += [f"**{model}**", _grid(heads, table)]
    return "\n\n".join(parts)


def _training(one: dict[str, Any]) -> str:
    rates = one["steps_a_second_by_workers"]
    parts = [
        "## Training",
        f"Two worker processes of one thread each did {rates['2']:,.0f} training steps a second, one did "
        f"{rates['1']:,.0f}: {rates['2'] / rates['1']:.2f} × (MLP on digits). {_machine(one)}",
    ]
    steps = one["steps_a_second"]
    if steps:
        parts.append(
            f"20 Newsgroups with all {steps['columns']:,.0f} columns, MLP 512-256, batches of 8, one thread: "
            f"{steps['sparse']:,.0f} steps a second with the sparse first layer, {steps['dense']:.1f} with a dense one."
        )
    return "\n\n".join(parts)


def _large(one: dict[str, Any]) -> str:
    rows = [
        [
            found["method"],
            f"{found['seconds']:.0f}",
            f"{found['product']:.0f}",
            f"{found['seconds'] / found['product']:.2f}",
            f"{found['memory'] / 2**30:.2f} GiB",
            str(len(found["passes"])),
        ]
        for found in one["methods"]
    ]
    setting = one["setting"]
    return "\n\n".join(
        [
            "## A million rows, 10,000 picks",
            f"{setting['rows']:,} rows, {setting['width']} features, {setting['classes']} classes, {setting['labeled']:,} "
            f"labeled, {setting['budget']:,} picks, float32, in memory: features and logits are "
            f"{one['inputs_bytes'] / 2**30:.2f} GiB, memory is that of the whole process. {_machine(one)}",
            _grid(["method", "seconds", "product", "× product", "peak memory", "passes"], rows),
        ]
    )


def _shards(one: dict[str, Any]) -> str:
    rows = [
        [
            found["strategy"],
            f"{found['seconds']:.0f}",
            f"{found['expected_seconds']:.0f}",
            str(found["passes"]),
            f"{found['memory'] / 2**30:.2f} GiB",
            f"{found['expected_memory'] / 2**30:.2f} GiB",
        ]
        for found in one["strategies"]
    ]
    setting = one["setting"]
    return "\n\n".join(
        [
            "## Larger than memory",
            f"{setting['rows']:,} rows × {setting['width']} features and {setting['classes']} logits, float16, "
            f"{one['bytes_on_disk'] / 2**30:.1f} GiB in .npy shards on a local disk, {setting['budget']:,} picks under a "
            f"cap of {one['cap'] / 2**30:.0f} GiB; what was expected is what `ladle select` says before it starts. "
            f"{_machine(one)}",
            _grid(["strategy", "seconds", "expected", "passes", "peak memory", "expected at most"], rows),
        ]
    )


def draw(results: dict[str, dict[str, Any]]) -> None:
    """Draw the figures."""
    one = results.get("selection")
    if one is None:
        return
    middle = {name: statistics.median(values) for name, values in one["seconds"].items()}
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained", sharex=True)
    for axis, method in zip(axes, ("badge", "k-center"), strict=True):
        name = "BADGE" if method == "badge" else method
        bars = [
            ("the product alone", middle[f"{method} floor"], _FLOOR),
            ("Ladle", middle[method], _OURS),
            ("plain NumPy", middle[f"plain {method}"], _PLAIN),
        ]
        bars += [
            (
                peer["library"] + ("" if peer["picks"] == 500 else f"\n({peer['picks']} picks only)"),
                peer["seconds"],
                _PEERS,
            )
            for peer in one["peers"]
            if peer["method"] == name
        ]
        labels = [bar[0] for bar in bars]
        axis.barh(labels, [bar[1] for bar in bars], color=[bar[2] for bar in bars])
        for place, (_, seconds, _) in enumerate(bars):
            axis.text(seconds * 1.15, place, f"{seconds:.2g} s", va="center", fontsize=9)
        axis.invert_yaxis()
        axis.set(xscale="log", xlim=(0.01, 400), xlabel="seconds for 500 of 25,000 (log scale)", title=name)
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(DOCS / "performance-selection.png", dpi=130)
    plt.close(figure)
    figure, axis = plt.subplots(figsize=(6, 3.2), layout="constrained")
    budgets = [row["budget"] for row in one["sweep"]]
    for method, color, limit, name in (("badge", _OURS, 2.5, "BADGE"), ("k-center", _PLAIN, 2.0, "k-center")):
        axis.plot(budgets, [row[method] for row in one["sweep"]], "o-", color=color, label=name)
        axis.plot(500, limit, marker="_", ms=22, mew=2, color=color, ls="", label=f"{name}, target at 500")
    axis.set(xscale="log", xlabel="picks", ylabel="time / time of the product", ylim=(0, None))
    axis.set_xticks(budgets, [str(budget) for budget in budgets])
    axis.minorticks_off()
    axis.legend(frameon=False, fontsize=9)
    axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(DOCS / "performance-batch-size.png", dpi=130)
    plt.close(figure)


def _grid(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _mib(size: float) -> str:
    return f"{size / 2**20:,.0f} MiB"


def _spread(pair: list[float], digits: int) -> str:
    return f"{pair[0]:.{digits}f} ± {pair[1]:.{digits}f}"


def main() -> None:
    """Write everything; exit with 1 if a ratio misses its target."""
    results = load(HERE / "results")
    draw(results)
    (DOCS / "performance.md").write_text(page(results), encoding="utf-8")
    for line in missed(results):
        print(f"missed: {line}", file=sys.stderr)
    sys.exit(1 if missed(results) else 0)


if __name__ == "__main__":
    main()

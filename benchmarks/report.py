"""Write docs/performance.md and its figures from the stored results; fail if one misses its ratio."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

HERE = Path(__file__).parent
NAMES = ("selection", "scoring", "training", "table2", "large", "shards", "device-cpu", "device-cuda")
# A graphics processor is not at hand everywhere; its absence is said with the table.
_OPTIONAL = ("device-cuda",)
_METHODS = {"badge": "BADGE", "k-center": "k-center"}
_SIZES = {"rows": "rows", "width": "features", "classes": "classes", "budget": "picks"}
_OURS, _FLOOR, _PLAIN, _PEERS = "#1b6ca8", "#5f6b76", "#d08c2c", "#b0b7bf"


def load(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the stored results that there are."""
    return {name: json.loads(path.read_text()) for name in NAMES if (path := folder / f"{name}.json").exists()}


def passed(check: dict[str, Any]) -> bool:
    """Return whether a ratio reaches its target; one that is no number does not."""
    return bool(check["ratio"] <= check["at_most"] if "at_most" in check else check["ratio"] >= check["at_least"])


def missed(results: dict[str, dict[str, Any]]) -> list[str]:
    """Return a line for each ratio that misses its target, and for each other library that did not run."""
    lines = [
        f"{check['name']}: {check['ratio']:.2f} × {check['of']}, target {target(check)}"
        for one in results.values()
        for check in one["checks"]
        if not passed(check)
    ]
    peers = results.get("selection", {}).get("peers") or []
    return lines + [f"{peer['library']} {peer['method']}: {peer['failed']}" for peer in peers if "failed" in peer]


def target(check: dict[str, Any]) -> str:
    """Return the target for people."""
    return f"at most {check['at_most']:.3g} ×" if "at_most" in check else f"at least {check['at_least']:.3g} ×"


def page(results: dict[str, dict[str, Any]]) -> str:
    """Return the page, in Markdown."""
    absent = [name for name in NAMES if name not in results and name not in _OPTIONAL]
    misses = missed(results)
    parts = [
        "# Performance",
        "Speed is told as a ratio within one run: the time of a method over the time of the one matrix product that any "
        "exact method needs, or over another method's. The functions take turns, so that what slows the machine slows "
        "all of them; the ratio is that of the medians, and beside it stands that of the least times. Absolute times "
        "are of the machine named with each table. `make bench` measures what takes minutes, `make bench-large` the "
        "rest; both write `benchmarks/results/` and this page, and fail when a ratio misses its target.",
        "**Misses its target:** " + "; ".join(misses) + "." if misses else "Every ratio below reaches its target.",
        *([f"Not measured yet: {', '.join(absent)}."] if absent else []),
        _targets(results),
    ]
    parts += [section(results[name]) for name, section in _SECTIONS.items() if name in results]
    if "device-cpu" in results and "device-cuda" not in results:
        parts.append("`python benchmarks/device.py --device cuda` measures a graphics processor; none was at hand.")
    return "\n\n".join(parts) + "\n"


def _targets(results: dict[str, dict[str, Any]]) -> str:
    rows = [
        [
            check["name"],
            f"{check['ratio']:.2f} × {check['of']}",
            f"{check['ratio_of_least']:.2f}" if "ratio_of_least" in check else "",
            target(check),
            "yes" if passed(check) else "**no**",
        ]
        for one in results.values()
        for check in one["checks"]
    ]
    return _grid(["what", "measured", "by least times", "target", "reached"], rows)


def _measured(one: dict[str, Any], command: str) -> str:
    machine = one["machine"]
    threads = f"{machine['threads']} thread{'s' if machine['threads'] != 1 else ''}"
    load = machine.get("load")
    busy = f" Load of the machine at the end, over 1, 5 and 15 minutes: {', '.join(map(str, load))}." if load else ""
    memory = f", {machine['memory'] / 2**30:.0f} GiB" if "memory" in machine else ""
    versions = ", ".join(f"{name} {machine[name]}" for name in ("python", "torch", "numpy") if name in machine)
    return (
        f"Measured with `python benchmarks/{command}.py` on {machine['date']}, {machine['cores']} cores "
        f"({machine['processor']}{memory}), {threads}, {versions.replace('python', 'Python')}.{busy}"
    )


def _selection(one: dict[str, Any]) -> str:
    setting, rows = one["setting"], []
    for method, name in _METHODS.items():
        floor = one["seconds"][f"{method} floor"]
        plain = f"plain {method}"
        rows.append(_timed(name, "the product alone", floor, floor, None))
        rows.append(_timed(name, "**Ladle**", one["seconds"][method], floor, one["memory"][method]))
        rows.append(_timed(name, "plain NumPy, a pass a pick", one["seconds"][plain], floor, one["memory"][plain]))
        rows += [
            _timed(name, peer["library"] + _few(peer, setting), [peer["seconds"]], floor, peer["memory"])
            for peer in _peers(one, name)
        ]
    passes = [
        f"{_METHODS[method]} held the pool against {sum(centers):,} centers in {len(centers)} passes"
        for method, centers in one["passes"].items()
    ]
    others = (
        "Other libraries ran once, on the same arrays and threads, in an environment of their own (`make bench-peers`)."
        if one["peers"]
        else "Other libraries were left out: `make bench-peers` makes the environment that they need."
    )
    parts = [
        "## Selecting 500 of 25,000",
        f"{setting['rows']:,} rows, {setting['width']} features, {setting['classes']} classes, "
        f"{setting['labeled']:,} labeled, {setting['budget']} picks, float32, random numbers of a fixed seed. The "
        f"product is written in several ways, and the fastest is the floor: for BADGE {one['ways']['badge']}, for "
        f"k-center {one['ways']['k-center']}. It has {setting['budget']} centers for BADGE, and the labeled rows too "
        f"for k-center; {'; '.join(passes)}: what is picked last need not be held against the pool any more, so a "
        f"ratio below 1 can be. Memory is the peak beyond the inputs, in a process of its own. {others} "
        f"{_measured(one, 'selection')}",
        _grid(["method", "by", "median s", "least s", "× product", "extra memory"], rows),
        "![Seconds for a batch of 500, by library](performance-selection.png)",
        "With one size at a time another than here, medians; plain NumPy ran once at each:",
        "![Seconds by rows, features, classes and picks](performance-scaling.png)",
        "What Ladle takes, in units of the product of the same size:",
        *(_grid([label, *_METHODS.values()], _ratios(one["sweeps"][by])) for by, label in _SIZES.items()),
    ]
    real = one["real"]
    if real:
        parts.append(
            f"On what LeNet says of {setting['rows']:,} CIFAR-10 images ({real['width']} features, {real['classes']} "
            f"classes), {setting['budget']} picks: "
            + ", ".join(f"{name} {real[method]['ratio']:.2f} × its product" for method, name in _METHODS.items())
            + "."
        )
    return "\n\n".join(parts)


def _timed(method: str, by: str, seconds: list[float], floor: list[float], memory: int | None) -> list[str]:
    middle, least = statistics.median(seconds), min(seconds)
    times = [f"{middle:.3f}", f"{least:.3f}"] if len(seconds) > 1 else [f"{middle:.1f}", ""]
    ratio = f"{middle / statistics.median(floor):.2f}"
    return [method, by, *times, ratio, "" if memory is None else _mib(memory)]


def _few(peer: dict[str, Any], setting: dict[str, Any]) -> str:
    return "" if peer["picks"] == setting["budget"] else f" ({peer['picks']} picks only)"


def _ratios(rows: list[dict[str, Any]]) -> list[list[str]]:
    return [[f"{row['size']:,}", *(f"{row[method]['ratio']:.2f}" for method in _METHODS)] for row in rows]


def _peers(one: dict[str, Any], method: str) -> list[dict[str, Any]]:
    """Return what other libraries took for it, as far as they ran."""
    return [peer for peer in one["peers"] or [] if peer["method"] == method and "failed" not in peer]


def _scoring(one: dict[str, Any]) -> str:
    middle = {name: 1000 * statistics.median(values) for name, values in one["seconds"].items()}
    rows = [[name, f"{value:.2f}", f"{1000 * min(one['seconds'][name]):.2f}"] for name, value in middle.items()]
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
            f"{one['setting']['rows']:,} rows, {one['setting']['width']} features, {one['setting']['classes']} classes, "
            f"in {one['setting']['processes']} processes one after the other: where in memory the arrays come to lie "
            f"decides over a tenth of such short times, and stays for a process's life. {_measured(one, 'scoring')}",
            _grid(["what", "median ms", "least ms"], rows),
            f"Where the time of `grad` goes: the product with twice the columns takes {both:.1f} ms where the head alone "
            f"takes {head:.1f} ms, which is {both / middle['entropy with head']:.2f} × all of entropy; residuals take "
            f"{middle['residuals']:.1f} ms, the lengths of the features {middle['lengths of the features']:.1f} ms, and "
            "the rest are new pages of memory and sums over rows. `with head` is `ladle.scores.discrepancy_with_head`, for "
            "those who run the last layer themselves; the strategies start from features and logits that a pass has left, "
            "`of logits` here. Beside a forward pass neither shows:",
            _grid(["network", "forward pass", "grad over entropy, forward included"], forward),
        ]
    )


def _table2(one: dict[str, Any]) -> str:
    paper = one["paper_seconds"]
    parts = [
        "## The paper's table 2",
        "Seconds for one acquisition, mean ± std over rounds 1 to 5, CIFAR-10, pool of 25,000, batch of 500, outputs "
        "cached within the round. The paper's times are of another machine and count the forward pass that its "
        f"methods need. `ladle bench table2` redoes it. {_measured(one, 'table2')}",
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
    rates = {workers: statistics.median(found) for workers, found in one["steps_a_second_by_workers"].items()}
    turns = "; ".join(
        f"{workers}: " + ", ".join(f"{rate:,.0f}" for rate in found)
        for workers, found in one["steps_a_second_by_workers"].items()
    )
    parts = [
        "## Training",
        f"Two worker processes of one thread each did {rates['2']:,.0f} training steps a second, one did "
        f"{rates['1']:,.0f}: {rates['2'] / rates['1']:.2f} × (MLP on digits, from the first finished round to the end "
        f"of the grid; workers and their turns: {turns}). {_measured(one, 'training')}",
    ]
    layers = one["first_layers"]
    if layers:
        steps = layers["steps_a_second"]
        parts.append(
            f"20 Newsgroups with all {layers['columns']:,} columns, MLP 512-256, batches of 8, one thread: "
            f"{steps['sparse']:,.0f} steps a second with the sparse first layer, {steps['dense']:.1f} with a dense one. "
            "600 steps a second on a core where the dense one does 9 is what it was made for: the ratio is "
            f"{_reached(steps['sparse'] >= 600 / 9 * steps['dense'])}, the 600 are {_reached(steps['sparse'] >= 600)} on "
            "this machine. Where a step's time goes, by torch's own profiler, whose watching takes time as well:"
        )
        parts.append(
            _grid(
                ["operation", "µs a step", "share"],
                [
                    [f"`{name}`", f"{1e6 * seconds:,.0f}", f"{seconds / sum(layers['profile'].values()):.0%}"]
                    for name, seconds in layers["profile"].items()
                ],
            )
        )
    return "\n\n".join(parts)


def _reached(reached: bool) -> str:
    return "reached" if reached else "**not** reached"


def _large(one: dict[str, Any]) -> str:
    rows = [
        [
            found["method"],
            f"{found['seconds']:.0f}",
            ", ".join(f"{seconds:.0f}" for seconds in _products(found)),
            f"{found['seconds'] / min(_products(found)):.2f}",
            f"{found['memory'] / 2**30:.2f} GiB",
            str(len(found["passes"])),
            f"{sum(found['passes']):,}",
        ]
        for found in one["methods"]
    ]
    setting = one["setting"]
    return "\n\n".join(
        [
            f"## {setting['budget']:,} picks from {setting['rows']:,} rows",
            f"{setting['rows']:,} rows, {setting['width']} features, {setting['classes']} classes, {setting['labeled']:,} "
            f"labeled, {setting['budget']:,} picks, float32, in memory: features and logits are "
            f"{one['inputs_bytes'] / 2**30:.2f} GiB, memory is that of the whole process. Where two times stand "
            f"for the product, it took a turn before and after the method, and the faster one is the floor. {_measured(one, 'large')}",
            _grid(["method", "seconds", "product", "× product", "peak memory", "passes", "centers passed"], rows),
        ]
    )


def _products(found: dict[str, Any]) -> list[float]:
    """Return the turns of the product; results stored before it took two have one."""
    return found["products"] if "products" in found else [found["product"]]


def _shards(one: dict[str, Any]) -> str:
    rows = [
        [
            found["strategy"],
            f"{found['seconds']:.0f}",
            f"{found['expected_seconds']:.0f}",
            str(found["passes"]),
            f"{found['memory'] / 2**30:.2f} GiB",
            f"{found['expected_memory'] / 2**30:.2f} GiB",
            _gib(found.get("read")),
            _gib(found.get("expected_read")),
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
            f"{_measured(one, 'shards')}",
            _grid(
                ["strategy", "seconds", "expected", "passes", "peak memory", "expected at most", "read", "expected"],
                rows,
            ),
        ]
    )


def _device(one: dict[str, Any]) -> str:
    rows = [
        [
            name,
            f"{1000 * statistics.median(work['seconds']):,.1f}",
            f"{work['operations'] / 1e9:,.2f}",
            f"{work['bytes'] / 1e9:,.3f}",
            work["bound"],
            f"{work['fraction']:.0%}",
        ]
        for name, work in one["work"].items()
    ]
    top, setting = one["roof"], one["setting"]
    return "\n\n".join(
        [
            f"## How near to the roof: {one['device']}",
            f"The roof is measured on the device: {top['operations'] / 1e9:,.0f} Gflop/s in one large float32 product, "
            f"{top['bytes'] / 1e9:,.0f} GB/s in one large copy. Operations and bytes are those that any way of doing the "
            "work needs at least once; the fraction is the time they need at the roof over the time taken. Pool of "
            f"{setting['rows']:,} × {setting['width']}, {setting['budget']} picks, {setting['images']} images. Steps of "
            f"eight images, as the paper takes, are too small to keep a small network's arithmetic busy. "
            f"{_measured(one, 'device')}",
            _grid(["work", "median ms", "Gflop", "GB", "bound by", "of the roof"], rows),
        ]
    )


def draw(results: dict[str, dict[str, Any]], folder: Path) -> None:
    """Draw the figures that the results allow."""
    if "selection" in results:
        _draw_seconds(results["selection"], folder / "performance-selection.png")
        _draw_scaling(results["selection"], folder / "performance-scaling.png")


def _draw_seconds(one: dict[str, Any], path: Path) -> None:
    middle = {name: statistics.median(values) for name, values in one["seconds"].items()}
    bars = {
        name: [
            ("the product alone", middle[f"{method} floor"], _FLOOR),
            ("Ladle", middle[method], _OURS),
            ("plain NumPy", middle[f"plain {method}"], _PLAIN),
            *(
                (peer["library"] + _few(peer, one["setting"]).replace(" (", "\n("), peer["seconds"], _PEERS)
                for peer in _peers(one, name)
            ),
        ]
        for method, name in _METHODS.items()
    }
    every = [seconds for rows in bars.values() for _, seconds, _ in rows]
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained", sharex=True)
    for axis, (name, rows) in zip(axes, bars.items(), strict=True):
        axis.barh([row[0] for row in rows], [row[1] for row in rows], color=[row[2] for row in rows])
        for place, (_, seconds, _) in enumerate(rows):
            axis.text(seconds * 1.15, place, f"{seconds:.2g} s", va="center", fontsize=9)
        axis.invert_yaxis()
        # Room to the right for the number of the longest bar.
        axis.set(xscale="log", xlim=(min(every) / 3, max(every) * 8), title=name)
        axis.set_xlabel(f"seconds for {one['setting']['budget']} of {one['setting']['rows']:,} (log scale)")
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=130)
    plt.close(figure)


def _draw_scaling(one: dict[str, Any], path: Path) -> None:
    figure, axes = plt.subplots(
        len(_METHODS), len(_SIZES), figsize=(11, 5.2), layout="constrained", sharex="col", sharey=True
    )
    for line, (method, name) in zip(axes, _METHODS.items(), strict=True):
        for axis, (by, label) in zip(line, _SIZES.items(), strict=True):
            rows = one["sweeps"][by]
            for key, title, color, mark in (
                (f"plain {method}", "plain NumPy, a pass a pick", _PLAIN, "s-"),
                (method, "Ladle", _OURS, "o-"),
                (f"{method} floor", "the product alone", _FLOOR, ".--"),
            ):
                middle = [statistics.median(row["seconds"][key]) for row in rows]
                axis.plot([row["size"] for row in rows], middle, mark, color=color, ms=4, lw=1.4, label=title)
            axis.set(xscale="log", yscale="log")
            axis.set_xticks([row["size"] for row in rows], [_short(row["size"]) for row in rows])
            axis.minorticks_off()
            axis.spines[["top", "right"]].set_visible(False)
            axis.grid(axis="y", lw=0.4, color="#dde2e6")
            axis.set_xlabel(label if method == list(_METHODS)[-1] else "")
        line[0].set_ylabel(f"{name}, seconds")
    figure.legend(*axes[0][0].get_legend_handles_labels(), loc="outside upper center", ncols=3, frameon=False)
    figure.savefig(path, dpi=130)
    plt.close(figure)


def _short(size: int) -> str:
    return str(size) if size < 10_000 else f"{size / 1000:g}k"


def _grid(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _mib(size: float) -> str:
    return f"{size / 2**20:,.0f} MiB"


def _gib(size: float | None) -> str:
    return "" if size is None else f"{size / 2**30:.1f} GiB"


def _spread(pair: list[float], digits: int) -> str:
    return f"{pair[0]:.{digits}f} ± {pair[1]:.{digits}f}"


_SECTIONS = {
    "selection": _selection,
    "scoring": _scoring,
    "table2": _table2,
    "training": _training,
    "large": _large,
    "shards": _shards,
    "device-cpu": _device,
    "device-cuda": _device,
}


def main() -> None:
    """Write everything; exit with 1 if a ratio misses its target."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=HERE / "results", help="Folder of stored results.")
    parser.add_argument("--docs", type=Path, default=HERE.parent / "docs", help="Folder that the page goes to.")
    arguments = parser.parse_args()
    results = load(arguments.results)
    draw(results, arguments.docs)
    (arguments.docs / "performance.md").write_text(page(results), encoding="utf-8")
    for line in missed(results):
        print(f"missed: {line}", file=sys.stderr)
    sys.exit(1 if missed(results) else 0)


if __name__ == "__main__":
    main()

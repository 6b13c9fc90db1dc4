"""What stands under each figure of the page of results: what one sees, and from which data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from ladle.reports.figures.curve_panels import MOST_CURVES
from ladle.reports.formats import counted, format_names

#: The numbers that belong to a figure, as ``ladle figure`` writes them.
Numbers: TypeAlias = Mapping[str, Any]

#: In the order of the paper, then what goes beyond it.
TITLES = {
    "1": "Geometry of one acquisition",
    "2": "The discrepancy in and out of distribution",
    "3": "Learning curves, text and tables",
    "4": "Learning curves, images",
    "7-9": "Learning curves, images, the remaining ones",
    "5": "Who beats whom, over all experiments",
    "10": "Who beats whom, by network",
    "11": "Who beats whom, by data set",
    "6": "The discrepancy of a set and its subset over training",
    "bound": "The generalization bound along a training",
    "full-vs-last": "The discrepancy over all parameters against that over the last layer",
    "ranks": "Mean ranks over experiments",
    "profiles": "Labels needed, as performance profiles",
}


def figure_title(name: str) -> str:
    """Return a figure's heading: "Figure 1: …", "Figures 7–9: …", or title and name beyond the paper."""
    if not name[0].isdigit():
        return f"{TITLES[name]} (`{name}`)"
    return f"Figure{'s' if '-' in name else ''} {name.replace('-', '–')}: {TITLES[name]}"


def caption(name: str, numbers: Numbers) -> str:
    """Return a figure's caption.

    Args:
        name: as ``ladle figure`` takes it.
        numbers: what was written or drawn with it.
    """
    return _CAPTIONS[name](numbers)


def picture_text(name: str, part: str) -> str:
    """Return what stands for a picture where it cannot be seen.

    Args:
        name: of the figure.
        part: of the figure, as in its file's name: "", "penalty", "lenet-loss".
    """
    title = TITLES[name]
    if not part:
        return title
    of, _, kind = part.rpartition("-")
    if of.startswith("all-"):
        of = f"all {of.removeprefix('all-')} strategies"
    return f"{title}{f' ({of})' if of else ''}: {'penalty matrices' if kind == 'penalty' else 'loss scores'}"


def _command(name: str, numbers: Numbers) -> str:
    """Return what draws a figure as it stands here; a part of a data set is named after the whole."""
    if name in ("5", "10", "11"):
        return f"ladle figure {name} --strategies {','.join(next(iter(numbers.values()))['strategies'])}"
    outside = str(numbers.get("outside", "svhn")).partition("-")[0]
    return f"ladle figure {name}" + ("" if outside == "svhn" else f" --outside {outside}")


def _geometry(numbers: Numbers) -> str:
    return (
        f"What grad, entropy and BADGE ask for when they share one model (trained on ten labels of 3,000 examples of "
        f"{numbers['data']}, test accuracy {100 * numbers['test_accuracy']:.0f}%) and one initial set: pool in gray, "
        "labeled before in black, picks in color. Columns are batches of 10, 20 and 40; above, the inputs, below, the "
        "last-layer gradients, both as their first two principal components. The numbers over each panel are the "
        "dispersion in the whole space: the mean distance of two picks over that of two examples of the pool."
        + _over_draws(numbers)
    )


def _over_draws(numbers: Numbers) -> str:
    """Return how wide grad and entropy pick on average over the draws; nothing where one alone was made."""
    if numbers.get("seeds", 1) < 2:
        return ""
    draws, spaces = numbers["seeds"], []
    for space, values in numbers["dispersions"].items():
        pairs = [(values[f"grad, {size}"], values[f"entropy, {size}"]) for size in (10, 20, 40)]
        spaces.append(
            f"in {space} "
            + format_names(
                [
                    f"{sum(grad) / draws:.2f} against {sum(entropy) / draws:.2f} "
                    f"({sum(a > b for a, b in zip(grad, entropy, strict=True))})"
                    for grad, entropy in pairs
                ]
            )
        )
    return (
        f" The panels are the first of {draws} draws of examples, labels and first weights. The mean dispersion of "
        "grad's picks over all of them against that of entropy's, for the three batches, and in how many draws grad's "
        f"is the higher: {'; '.join(spaces)}. A draw has {numbers['examples']:,} of {numbers['available']:,} examples, "
        "so the draws share many."
    )


def _shift(numbers: Numbers) -> str:
    return (
        f"A {numbers['model']} trained on {numbers['inside']} (test accuracy {100 * numbers['test_accuracy']:.1f}%), "
        f"and the discrepancy of {numbers['examples']:,} test examples each of {numbers['inside']}, which it knows, "
        f"and of {numbers['outside']}, which it does not. AUROC is the chance that one from outside scores higher."
        + ("" if numbers["outside"] == "svhn" else " The paper's other data set is SVHN, which was not at hand.")
    )


def _curves(numbers: Numbers) -> str:
    shown, absent = numbers["experiments"], numbers["absent"]
    seeds = format_names([str(count) for count in sorted({one["seeds"] for one in shown.values()})])
    sentences = [f"Test accuracy over labeled examples on {format_names(list(shown))}: the mean over {seeds} seeds."]
    if any(one["banded"] for one in shown.values()):
        sentences.append(f"The bands are one standard deviation{_of_whom(shown)}.")
    if any(len(one["mean_accuracy"]) > MOST_CURVES for one in shown.values()):
        sentences.append("Each panel has one family of strategies, beside random and grad.")
    sentences.append("Accuracy axes do not begin at zero.")
    if absent:
        sentences.append(f"Not in the store: {', '.join(absent)}.")
    return " ".join(sentences)


def _of_whom(shown: Numbers) -> str:
    """Say whose bands are drawn, where not all are."""
    if all(len(one["banded"]) == len(one["mean_accuracy"]) for one in shown.values()):
        return ""
    best = ", ".join(f"{one['best']} in {name}" for name, one in shown.items())
    return f" to both sides, of random, grad and the best by area ({best})"


_PENALTY = (
    "A cell tells in what share of rounds the strategy of its row significantly beat that of its column (paired t-test "
    "over seeds, corrected after Benjamini and Hochberg over all pairs of a round), summed over experiments; the loss "
    "score is the mean of a column, lower is better. Rounds are all, the first three and the last three."
)


def _overall(numbers: Numbers) -> str:
    first, *more = numbers.values()
    found = first["experiments"]
    sentences = [
        f"{_PENALTY} From {counted(len(found), 'experiment', 'experiments')}: {', '.join(found)}.",
        _compared(first),
    ]
    sentences += [
        f"The last two pictures compare all {len(one['strategies'])} strategies; corrected over {one['pairs']} pairs, "
        "their numbers are others."
        for one in more
    ]
    return " ".join(sentences)


def _grouped(numbers: Numbers) -> str:
    groups = "; ".join(f"{part}: {', '.join(found['experiments'])}" for part, found in numbers.items())
    unseen = [f"{part} ({found['unseen']})" for part, found in numbers.items() if "unseen" in found]
    sentences = [f"{_PENALTY} From {groups}."]
    compared = dict.fromkeys(_compared(found) for found in numbers.values())
    sentences += [*compared] if len(compared) == 1 else []
    if unseen:
        sentences.append(f"Without a picture: {', '.join(unseen)}.")
    return " ".join(sentences)


def _compared(found: Numbers) -> str:
    """Say among whom the tests are, since the correction depends on it."""
    names = found["strategies"]
    pairs = f"{found['pairs']} {'pair' if found['pairs'] == 1 else 'pairs'}"
    return f"Compared are {len(names)} strategies, {pairs}: {format_names(names)}."


def _contraction(numbers: Numbers) -> str:
    sizes = format_names([f"{one['examples']:,} ({one['subset']:,}) on {data}" for data, one in numbers.items()])
    losses = format_names([f"{one['losses'][0]:.4f} to {one['losses'][1]:.4f} on {d}" for d, one in numbers.items()])
    still = [data for data, one in numbers.items() if _has_hardly_trained(one)]
    return (
        f"The length of DF(S, S_J, t), over all parameters, after each epoch, on {format_names(list(numbers))}. Orange "
        "marks epochs above the one before, which assumption 1 forbids; ρ is the fitted factor an epoch, below 1 where "
        f"the discrepancy contracts. S (and S_J, a random part of it) has {sizes}. The network has one hidden layer of "
        "256 and is trained by SGD with momentum 0.9 in batches of 8 at a rate of 0.0001. The paper names the rate "
        "only, so its curves may come from another training. From the first epoch to the last the loss on S goes from "
        f"{losses}."
        + (
            f" On {format_names(still)} the model has hardly begun to learn by then, so the curve there tells little "
            "about contraction near a solution, which the paper's proposition is about."
            if still
            else ""
        )
        + _other_seeds(numbers)
        + ("" if "gisette" in numbers else " Gisette could not be fetched here.")
    )


def _has_hardly_trained(one: Numbers) -> bool:
    first, last = one["losses"]
    return bool(last > 0.95 * first)


def _other_seeds(numbers: Numbers) -> str:
    """Return from where to where the discrepancy goes in the seeds that are gray."""
    told = [
        f"on {data} from "
        + format_names(
            [
                f"{other['discrepancies'][0]:.3g} to {other['discrepancies'][-1]:.3g} (ρ = {other['rate']:.4f}, "
                f"{len(other['violations'])} epochs above the one before)"
                for other in one["others"]
            ]
        )
        for data, one in numbers.items()
        if one["others"]
    ]
    return f" Other seeds are gray; their discrepancies go {'; '.join(told)}." if told else ""


def _bound(numbers: Numbers) -> str:
    trainings = numbers["trainings"]
    ends = "; ".join(
        f"{one['bound']['1']:,.2f} for ε = {ratio} γ (held-out share {one['held_out_risk']:.3f})"
        for ratio, one in trainings.items()
    )
    growing = [one["growing"] for one in trainings.values()]
    still = [f"{ratio} γ" for ratio, one in trainings.items() if one["moved"] == 0]
    return (
        f"The right side of eq. 6 and of eq. 10 with t_0 = 1 after each step of Floor GD, for three values of η and of "
        f"ε, and the share of wrong answers that they bound. S are {numbers['examples']:,} examples of "
        f"{numbers['data']}, S_J a random half of them; the share is measured on {numbers['held_out']:,} others. The "
        f"network has one hidden layer of 256 ({numbers['dimension']:,} parameters); γ = {numbers['step_size']:g}, "
        f"δ = {numbers['delta']:g}. A share is never above 1, so a bound above it says nothing. After "
        f"{numbers['steps']:,} steps eq. 6 with η = 1 is {ends}."
        + (
            f" The discrepancy grows in {format_names([f'{count:,}' for count in growing])} of "
            f"{numbers['steps'] - 1:,} steps, against assumption 1, so eq. 10 falls below eq. 6 and bounds nothing."
            if any(growing)
            else ""
        )
        + (
            f" With ε = {format_names(still)} no entry of the model ever moves for what S has beyond S_J: that is "
            "plain descent on S_J, with the rest of S as a test set, which bounds the risk without any discrepancy."
            if still
            else ""
        )
    )


def _full_vs_last(numbers: Numbers) -> str:
    return (
        f"Both scores of {numbers['examples']:,} unlabeled examples of {numbers['data']} under a {numbers['model']} "
        f"trained on {numbers['labeled']:,}: as they are, and as ranks. Spearman's correlation is "
        f"{numbers['spearman']:.2f}; of the tenth that the last layer ranks highest, {100 * numbers['overlap']:.0f}% "
        "are in the highest tenth over all parameters."
    )


def _once(numbers: Numbers) -> str:
    """Return the sentence on experiments that are averaged, with the space behind it; nothing where none are."""
    return f"{numbers['counted_once']} " if numbers["counted_once"] else ""


def _ranks(numbers: Numbers) -> str:
    return (
        f"Mean ranks by area over {numbers['over']}: {', '.join(numbers['experiments'])}; the best at the left. "
        f"{_once(numbers)}A bar joins strategies whose ranks are no further apart than Nemenyi's critical "
        f"difference, {numbers['critical_difference']:.1f}."
    )


def _profiles(numbers: Numbers) -> str:
    shares = format_names([f"{100 * share:.0f}%" for share in numbers["targets"]])
    return (
        f"{_once(numbers)}On what share of targets a strategy needs at most so many times the labels of the best "
        "(Dolan and Moré). "
        f"Targets are {shares} of the way from the initial accuracy to the best final one, in each of "
        f"{', '.join(numbers['experiments'])}; a curve that stays below 1 belongs to a strategy that misses some."
    )


_CAPTIONS: Mapping[str, Callable[[Numbers], str]] = {
    "1": _geometry,
    "2": _shift,
    "3": _curves,
    "4": _curves,
    "7-9": _curves,
    "5": _overall,
    "10": _grouped,
    "11": _grouped,
    "6": _contraction,
    "bound": _bound,
    "full-vs-last": _full_vs_last,
    "ranks": _ranks,
    "profiles": _profiles,
}


def figures_section(
    pictures: Mapping[str, Sequence[tuple[str, str]]], numbers: Mapping[str, Numbers], missing: Mapping[str, str]
) -> str:
    """Return the section of figures, in the paper's order.

    Args:
        pictures: by figure name, the parts and paths of its PNG files, relative to the page.
        numbers: by figure name.
        missing: by figure name, why it could not be drawn.
    """
    parts = []
    for name in TITLES:
        lines = [f"### {figure_title(name)}"]
        if name in pictures and name in numbers:
            lines.append(f"{caption(name, numbers[name])} Drawn by `{_command(name, numbers[name])}`.")
            lines += [f"![{picture_text(name, part)}]({path})" for part, path in pictures[name]]
        else:
            lines.append(f"Not drawn: {missing.get(name, f'run `ladle figure {name}` and keep what it writes')}.")
        parts.append("\n\n".join(lines))
    return "\n\n".join(parts)

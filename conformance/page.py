"""docs/conformance.md from what the run found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

_MARKS = {"kept": "✓", "broken": "✗", "not applicable": "–"}


def page(results: dict[str, Any]) -> str:
    """Return the page, in Markdown."""
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    parts = [
        "# Conformance",
        "`ladle.testing` calls a strategy through a function of six arguments, so it runs on any library's. Here it ran on "
        "Ladle's whole catalog and on every strategy of three others that can be asked so, each through an adapter of a few "
        "lines and each hearing the same features, probabilities and labels. What else a library makes public stands below "
        "its table, with the reason why it was left out. The contracts are ours; other libraries do not promise all of "
        "them. What is shown is what was seen.",
        _ours(results["libraries"][0]),
        f"`make conformance` runs all of it and writes this page ({versions}). ✓ kept; ✗ broken; ○ broken, but not "
        "promised by the library's documentation either; – not applicable. The number is that of the note below the "
        "table, which gives the rule, what came and on which problem.",
        *(part for library in results["libraries"] for part in _library(library, list(results["contracts"]))),
        "## The same picks, two ways",
        "Generated problems of 30 to 150 examples, with 2 to 14 features and 2 to 7 classes; no two examples tie. A third "
        "of what is unlabeled is asked for at most. Gradients written out are those of automatic differentiation, one "
        "example at a time; the selector is the same. For expected gradient length that is the loop over all labels.",
        "| Ladle | held against | what has to be the same | problems on which it is |\n| --- | --- | --- | --- |\n"
        + "\n".join(
            f"| `{row['ours']}` | {row['theirs']} | {row['compared']} | {row['same']} of {row['of']} |"
            for row in results["equalities"]
        ),
        _bullets(results["differences"]),
        "## The contracts",
        _bullets(f"*{name}*: {_rule(rule)}" for name, rule in results["contracts"].items()),
    ]
    return "\n\n".join(parts) + "\n"


def unaccounted(library: dict[str, Any]) -> list[str]:
    """Return what a library makes public that is neither asked nor left out, or that is said to be and is not, or both."""
    asked = {name.split(",")[0] for name in library["strategies"]}
    left_out = {name for names in library["left out"].values() for name in names}
    return sorted(set(library["public"]) ^ (asked ^ left_out))


def _ours(library: dict[str, Any]) -> str:
    broken = [
        f"`{name}`, *{contract}*"
        for name, outcomes in library["strategies"].items()
        for contract, outcome in outcomes.items()
        if outcome["verdict"] == "broken"
    ]
    if broken:
        return f"**Ladle breaks contracts of its own: {'; '.join(broken)}.**"
    return f"**All {len(library['strategies'])} strategies of Ladle keep every contract that applies to them.**"


def _library(library: dict[str, Any], contracts: list[str]) -> Iterator[str]:
    strategies = library["strategies"]
    notes = _notes(strategies, contracts)
    yield f"## {library['name']} {library['version']}"
    yield f"How it was called: {library['how']}"
    rows = ["| | " + " | ".join(strategies) + " |", "| --- |" + " --- |" * len(strategies)]
    for contract in contracts:
        mark = _MARKS | ({"broken": "○"} if contract in library["not promised"] else {})
        cells = [_cell(outcomes[contract], contract, mark, notes) for outcomes in strategies.values()]
        rows.append(f"| {contract} | " + " | ".join(cells) + " |")
    yield "\n".join(rows)
    if notes:
        yield "\n".join(
            f"{number}. {', '.join(names)}, *{contract}*: {why}" for (contract, why), (number, names) in notes.items()
        )
    if library["remarks"]:
        yield "Behind them, as far as we found out:"
        yield _bullets(library["remarks"])
    if library["left out"]:
        yield "Left out:"
        yield _bullets(
            f"{', '.join(f'`{name}`' for name in names)}: {why}" for why, names in library["left out"].items()
        )
    yield "Not applicable:"
    yield _bullets(_not_applicable(strategies))


def _notes(strategies: dict[str, Any], contracts: list[str]) -> dict[tuple[str, str], tuple[int, list[str]]]:
    notes: dict[tuple[str, str], tuple[int, list[str]]] = {}
    for contract in contracts:
        for name, outcomes in strategies.items():
            outcome = outcomes[contract]
            if outcome["verdict"] == "broken":
                key = (contract, outcome["why"])
                notes.setdefault(key, (len(notes) + 1, []))[1].append(f"`{name}`")
    return notes


def _cell(
    outcome: dict[str, str], contract: str, marks: dict[str, str], notes: dict[tuple[str, str], tuple[int, list[str]]]
) -> str:
    mark = marks[outcome["verdict"]]
    return f"{mark} {notes[contract, outcome['why']][0]}" if outcome["verdict"] == "broken" else mark


def _not_applicable(strategies: dict[str, Any]) -> Iterator[str]:
    reasons: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for name, outcomes in strategies.items():
        contracts: dict[str, list[str]] = {}
        for contract, outcome in outcomes.items():
            if outcome["verdict"] == "not applicable":
                contracts.setdefault(outcome["why"], []).append(f"*{contract}*")
        for why, which in contracts.items():
            reasons.setdefault((why, tuple(which)), []).append(f"`{name}`")
    for (why, which), names in reasons.items():
        whose = "all" if len(names) == len(strategies) else ", ".join(names)
        yield f"{', '.join(which)} ({whose}): {why}"


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _rule(docstring: str) -> str:
    words = docstring.removeprefix("Check that ").removeprefix("Check ")
    return words[0].upper() + words[1:]

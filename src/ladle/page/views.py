"""What the desk says, as the page shows it."""

from __future__ import annotations

from typing import Any

from ladle.labeling import SKIP, UNSURE, Desk, Handed, Opinion

# One hand reaches the numbers; letters come behind. The letter w opens the receipt.
_KEYS = "1234567890qertyuiopasdfghjklzxcvbnm"
_SNIPPET = 140
# Share of a gradient's length below which the mean labeled one hardly counts.
_LEARNED = 0.05
# Degrees from which on two gradients have little in common.
_FAR_APART = 60


def state_of(desk: Desk, annotator: str) -> dict[str, Any]:
    """Return all that the page shows to one person."""
    handed = desk.hand(annotator)
    status = desk.status()
    mine = desk.answered_by(annotator)
    classes = desk.project.classes
    return {
        "kind": desk.project.source.kind,
        "item": None if handed is None else _item(desk, handed),
        "classes": [{"name": name, "key": _KEYS[place : place + 1]} for place, name in enumerate(classes)],
        "skip": SKIP,
        "unsure": UNSURE,
        "counts": dict(status.counts),
        "examples": status.examples,
        "labeled": status.labeled,
        "skipped": status.skipped,
        "pending": status.pending,
        "mine": len(mine),
        "setAside": sum(one.kind == UNSURE for one in mine),
        "last": _last(desk, mine),
        "curve": [
            {"labeled": one.labeled, "accuracy": one.accuracy, "low": one.low, "high": one.high, "answers": one.answers}
            for one in status.curve
        ],
        "agreement": _agreement(desk),
        "planning": vars(desk.planning),
        "forecasting": vars(desk.forecasting),
        "hint": desk.hint,
    }


def example_of(desk: Desk, place: int) -> dict[str, Any]:
    """Return what a person needs to see of an example."""
    source = desk.project.source
    shown: dict[str, Any] = {"place": place, "id": source.ids[place]}
    if source.kind == "images":
        return shown | {"image": f"image/{place}", "text": source.ids[place]}
    return shown | {"image": None, "text": source.shown[place]}


def _item(desk: Desk, handed: Handed) -> dict[str, Any]:
    return example_of(desk, handed.place) | {"second": handed.second, "why": _why(desk, handed)}


def _why(desk: Desk, handed: Handed) -> dict[str, Any]:
    if handed.second:
        return {"sentence": "Somebody else has answered this one. A second opinion tells how far people agree."}
    if handed.control:
        return {
            "sentence": "Drawn at random, not chosen: how often the model is right on examples like this one is its "
            "accuracy. What it guessed stays hidden, so that your answer is your own."
        }
    receipt = desk.project.receipt(handed.place)
    if receipt is None:
        return {"sentence": "Drawn at random: there was no model yet that could choose."}
    classes = desk.project.classes
    likeliest = [{"class": classes[number], "probability": share} for number, share in receipt["likeliest"]]
    nearest = [example_of(desk, place) | {"class": classes[number]} for place, number in receipt["nearest"]]
    for one in nearest:
        one["text"] = one["text"][:_SNIPPET]
    passed = receipt["passed_over"]
    return {
        "sentence": _sentence(desk, receipt, likeliest),
        "discrepancy": receipt["discrepancy"],
        "rank": receipt["rank"],
        "of": receipt["of"],
        "size": receipt["size"],
        "angle": receipt["angle"],
        "learned": receipt["mean_length"] < _LEARNED * receipt["length"],
        "apart": receipt["apart"],
        "likeliest": likeliest,
        "nearest": nearest,
        "passedOver": None if passed is None else _short(example_of(desk, passed)),
    }


def _sentence(desk: Desk, receipt: dict[str, Any], likeliest: list[dict[str, Any]]) -> str:
    strategy = desk.project.session.strategy
    doubt = ", or ".join(f"{one['class']} ({100 * one['probability']:.0f} %)" for one in likeliest[:2])
    sentence = f"Chosen by {strategy.name}: {strategy.summary}. The model thinks {doubt}."
    if receipt["apart"] > _FAR_APART:
        sentence += " A label would move it in a direction that no label so far explains."
    return sentence


def _short(example: dict[str, Any]) -> dict[str, Any]:
    return example | {"text": example["text"][:_SNIPPET]}


def _last(desk: Desk, mine: list[Opinion]) -> dict[str, Any] | None:
    if not mine:
        return None
    last = mine[-1]
    said = last.kind if last.label is None else desk.project.classes[last.label]
    return {"id": desk.project.source.ids[last.place], "label": said}


def _agreement(desk: Desk) -> dict[str, Any] | None:
    found = desk.agreement()
    if found is None:
        return None
    names, classes = desk.project.source.ids, desk.project.classes
    return {
        "same": found.same,
        "of": found.of,
        "low": found.low,
        "high": found.high,
        "differ": [
            {"id": names[place], "labels": [classes[number] for number in numbers]} for place, numbers in found.differ
        ],
    }

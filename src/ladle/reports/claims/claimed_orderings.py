"""What the paper says of learning curves, as who is ahead of whom: on which data and network, in which rounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ladle.reports.orderings import Part

#: The five that the paper compares.
COMPARED = ("random", "entropy", "grad", "badge", "k-center")
#: What the sentences of section 4.4 speak of, in the paper's order; each claim begins with one of these.
SUBJECTS = (
    "20 Newsgroups",
    "ISOLET",
    "OpenML 155",
    "stl10, lenet",
    "gtsrb, vgg16",
    "svhn, lenet",
    "cifar10, vgg16",
    "cifar10, resnet18",
    "cinic10, resnet18",
)


@dataclass(frozen=True)
class Ordering:
    """A sentence of the paper that ranks strategies on some data: pairs of (ahead, behind).

    Attributes:
        text: the claim, in our words.
        data: names of the data sets it speaks of, whole or in part.
        model: the network it speaks of; None for any.
        pairs: who is ahead of whom.
        part: in which rounds.
        section: of the paper.
    """

    text: str
    data: tuple[str, ...]
    model: str | None
    pairs: tuple[tuple[str, str], ...]
    part: Part = "area"
    section: str = "4.4"


def _all_over(ahead: Sequence[str], behind: Sequence[str]) -> tuple[tuple[str, str], ...]:
    return tuple((first, second) for first in ahead for second in behind if first != second)


_POKER = ("pokerhand", "poker-hand-uci")
_INFORMED = ("grad", "badge", "k-center")
#: The sentences of section 4.4 that rank strategies; what they leave open is left out.
ORDERINGS = (
    Ordering(
        "20 Newsgroups: grad, BADGE and k-center are ahead of random and entropy",
        ("20newsgroups",),
        None,
        _all_over(_INFORMED, ("random", "entropy")),
    ),
    Ordering(
        "OpenML 155: BADGE and entropy are ahead of the others in early rounds",
        _POKER,
        None,
        _all_over(("badge", "entropy"), ("random", "grad", "k-center")),
        "early",
    ),
    Ordering(
        "OpenML 155: random trails all others at high budgets",
        _POKER,
        None,
        _all_over(("entropy", *_INFORMED), ("random",)),
        "late",
    ),
    Ordering(
        "stl10, lenet: BADGE is slightly ahead in early rounds",
        ("stl10",),
        "lenet",
        _all_over(("badge",), COMPARED),
        "early",
    ),
    Ordering(
        "gtsrb, vgg16: grad reaches high accuracy quickly: ahead of the others in early rounds",
        ("gtsrb",),
        "vgg16",
        _all_over(("grad",), COMPARED),
        "early",
    ),
    Ordering(
        "svhn, lenet: BADGE and grad are ahead of random and entropy, and k-center is weakest",
        ("svhn",),
        "lenet",
        (*_all_over(("badge", "grad"), ("random", "entropy")), *_all_over(COMPARED, ("k-center",))),
    ),
    Ordering(
        "cifar10, vgg16: grad is ahead, BADGE and k-center follow, entropy lags",
        ("cifar10",),
        "vgg16",
        (*_all_over(("grad",), ("badge", "k-center")), *_all_over(_INFORMED, ("entropy",))),
    ),
    Ordering(
        "cifar10, resnet18: grad is marginally ahead of all, entropy slightly behind all",
        ("cifar10",),
        "resnet18",
        (*_all_over(("grad",), ("random", "badge", "k-center")), *_all_over(COMPARED, ("entropy",))),
    ),
    Ordering(
        "cinic10, resnet18: grad, BADGE and k-center gain early on random and entropy",
        ("cinic10",),
        "resnet18",
        _all_over(_INFORMED, ("random", "entropy")),
        "early",
    ),
)

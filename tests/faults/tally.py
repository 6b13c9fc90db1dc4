"""What is counted: kills by kind, what was acknowledged, and what went missing or came twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Tally:
    """The figures of a run.

    Attributes:
        kills: of each kind, of processes that were alive; what came too late is not counted.
        stories: stores that were taken from nothing to a checked end, of each kind.
        acknowledged: answers and undos that a person was told are recorded, and stored rounds.
        lost: acknowledged and not there in the end.
        twice: examples asked twice of one person, answered twice, or picked twice.
        different: experiments that ended with other rounds or picks than undisturbed.
        unclear: failures told in anything but one line.
    """

    kills: Counter[str] = field(default_factory=Counter)
    stories: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0
    lost: int = 0
    twice: int = 0
    different: int = 0
    unclear: list[str] = field(default_factory=list)

    def check(self) -> None:
        """Raise unless nothing was lost."""
        assert (self.lost, self.twice, self.different, self.unclear) == (0, 0, 0, []), self

    def figures(self) -> dict[str, Any]:
        return {
            "kills": dict(self.kills),
            "stories": dict(self.stories),
            "acknowledged": self.acknowledged,
            "lost": self.lost,
            "twice": self.twice,
            "different": self.different,
            "unclear": len(self.unclear),
        }

"""A Label Studio server that is a list in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from ladle.adapters.label_studio import Annotation
from ladle.adapters.label_studio_exchange import TaskState
from ladle.errors import ServerError

START = datetime(2026, 1, 1, tzinfo=UTC)


def choice(label: str) -> list[dict[str, Any]]:
    return [{"from_name": "label", "to_name": "example", "type": "choices", "value": {"choices": [label]}}]


@dataclass
class Memory:
    """A server with nothing around it."""

    projects: dict[int, tuple[str, str, str]] = field(default_factory=dict)
    pushed: list[tuple[int, dict[str, Any]]] = field(default_factory=list)  # (project, task); the place is the number
    said: dict[int, list[Annotation]] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)
    clock: int = 0
    breaks: str = ""

    def find_project(self, key: str) -> tuple[int, str] | None:
        return next(((number, one[2]) for number, one in self.projects.items() if key in one[1]), None)

    def create_project(self, title: str, description: str, config: str) -> int:
        number = max([*self.projects, *(project for project, _ in self.pushed)], default=0) + 1
        self.projects[number] = (title, description, config)
        return number

    def set_config(self, project: int, config: str) -> None:
        self.projects[project] = (*self.projects[project][:2], config)

    def tasks(self, project: int) -> list[TaskState]:
        if project not in self.projects:
            raise ServerError("gone")
        return [
            TaskState(number, task["meta"], len(said := self.said.get(number, [])), f"{len(said)} {said[-1:]}")
            for number, (owner, task) in enumerate(self.pushed)
            if owner == project
        ]

    def annotations(self, task: int) -> list[Annotation]:
        self.asked.append(task)
        return list(self.said[task])

    def push(self, project: int, tasks: Sequence[Mapping[str, Any]]) -> None:
        if self.breaks == "before":
            raise ServerError("broke off")
        self.pushed += [(project, dict(task)) for task in tasks]
        if self.breaks == "after":
            raise ServerError("broke off")

    def say(self, task: int, label: str | None, who: str = "label-studio-1") -> None:
        """Submit, change or (None) skip."""
        self.clock += 1
        now = START + timedelta(seconds=self.clock)
        result = [] if label is None else choice(label)
        mine = [one for one in self.said.get(task, []) if one.annotator == who]
        changed = Annotation(who, result, label is None, mine[0].created if mine else now, now)
        self.said[task] = [one for one in self.said.get(task, []) if one.annotator != who] + [changed]

    def open(self) -> list[int]:
        return [number for number in range(len(self.pushed)) if not self.said.get(number)]

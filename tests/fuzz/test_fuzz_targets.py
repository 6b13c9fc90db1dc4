"""The targets of ``make fuzz``, driven by Hypothesis; and the record of the long runs."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz import record, tables
from fuzz.__main__ import TARGETS
from fuzz.material import Material, refused, scratch_folder
from ladle.errors import DataError, LadleError

#: So many examples of each, by what one costs.
EXAMPLES = {
    "choosing": 400,
    "shards": 60,
    "tables": 120,
    "images": 60,
    "configs": 30,
    "archives": 40,
    "stores": 60,
    "trained": 60,
}
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("target", TARGETS)
def test_bad_input_is_refused_or_answered_right(target: str) -> None:
    check = importlib.import_module(f"fuzz.{target}").check

    @settings(max_examples=EXAMPLES[target], deadline=None, suppress_health_check=list(HealthCheck))
    @given(data=st.binary(max_size=200))
    def run(data: bytes) -> None:
        check(data)

    run()


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=100), whole=st.binary(max_size=50))
def test_choices_stay_within_their_bounds_and_end(data: bytes, whole: bytes) -> None:
    material = Material(data)
    assert -3 <= material.whole(-3, 300) <= 300
    assert material.one_of("abc") in "abc"
    assert len(material.broken(whole)) <= len(whole) + 4 * 1024
    used_up = Material(b"")
    assert (used_up.whole(-3, 300), used_up.one_of("abc"), used_up.broken(whole)) == (-3, "a", whole)


def test_only_an_error_of_ladle_that_says_what_came_is_a_refusal() -> None:
    def fail(error: Exception) -> None:
        raise error

    assert refused(lambda: 3) == 3
    assert refused(lambda: fail(DataError("a rule (got that); a remedy"))) is None
    with pytest.raises(AssertionError, match="says what came"):
        refused(lambda: fail(DataError("it broke")))
    with pytest.raises(KeyError):
        refused(lambda: fail(KeyError("a")))


def test_runs_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "RECORD", tmp_path / "runs.json")
    monkeypatch.setattr(record, "PAGE", tmp_path / "page.md")
    (tmp_path / "page.md").write_text("before\n<!-- runs -->\nold\n<!-- end of runs -->\nafter\n")
    log = "#2\tINITED cov: 1\n#4096\tpulse cov: 7\n"
    record.add_run("shards", seconds=60, executions=record.executions_in(log), found=True)
    record.add_run(
        "shards", seconds=30, executions=record.executions_in(log + "stat::number_of_executed_units: 5000"), found=False
    )
    assert record.read_record() == {"shards": {"seconds": 90.0, "executions": 9096, "runs": 2, "found": 1}}
    page = (tmp_path / "page.md").read_text()
    assert "| `shards` | 9,096 | 2 | 2 | 1 |" in page
    assert page.startswith("before\n")
    assert page.endswith("<!-- end of runs -->\nafter\n")
    assert "old" not in page


def test_the_page_shows_the_record() -> None:
    page = (ROOT / "docs" / "bad-input.md").read_text()
    assert record.table_of(record.read_record()) in page
    for target in TARGETS:
        assert f"| `{target}` | " in page


def test_what_is_whole_is_read_or_all_would_be_refused_for_nothing() -> None:
    path = scratch_folder() / "whole.csv"
    read = []
    for content in tables.WHOLE_CSV:
        path.write_bytes(content)
        read.append({reader.__name__ for reader in tables.READERS if _accepts(reader, path)})
    assert all("source" in readers for readers in read)
    assert set.union(*read) == {"source", "pool", "answers", "labeled"}


def _accepts(reader: Callable[[Path, Material], None], path: Path) -> bool:
    try:
        reader(path, Material(b""))
    except LadleError:
        return False
    return True

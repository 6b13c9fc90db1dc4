"""The report as a reader meets it: whole, self-contained, with every number, and safe against any name."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from report_cases import from_accuracies, made_up

from ladle.errors import ConfigError, InputError
from ladle.experiments.results import ExperimentResults
from ladle.reports.analysis import analyze
from ladle.reports.experiment_sets import with_only
from ladle.reports.figures.files import file_stems, short_identities
from ladle.reports.figures.style import strategy_styles
from ladle.reports.page import html
from ladle.reports.page.html import write_report
from ladle.reports.page.page import experiment_section, flatten, overview_table
from ladle.reports.page.page_ranks import rank_figures
from ladle.reports.page.page_together import aggregate_sections
from ladle.reports.tables import summary_rows, summary_table

VOID = {"meta", "img", "source", "br", "link", "hr"}
HOSTILE = '<script>alert("1")</script> & ../../\'"><img src=x onerror=alert(2)>'


class Page(HTMLParser):
    """A page taken apart: elements, ids, links, text; fails where tags are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


NAMES = ("random", "margin", "mine")
EXPERIMENTS = [
    made_up(NAMES, evaluations=5, gains=(0, 0.05, -0.2), name="letters", identity="aaaaaaaa1111"),
    replace(
        made_up(NAMES, evaluations=3, seed=1, name="letters", identity="bbbbbbbb2222"),
        unfinished=2,
        config={
            "data": {"name": "letters", "path": "others.csv"},
            "model": {"name": "mlp"},
            "schedule": {"batch": 100},
        },
    ),
    made_up(("entropy",), evaluations=2, seeds=1, name=HOSTILE, identity="cccccccc3333"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("reports") / "new" / "report"
    assert write_report(EXPERIMENTS, out) == out / "index.html"
    return out


@pytest.fixture(scope="module")
def page(folder: Path) -> Page:
    return Page((folder / "index.html").read_text(encoding="utf-8"))


def test_the_page_needs_nothing_but_itself(page: Page) -> None:
    assert not page.all("script")
    assert not page.all("link")
    loaded = [source["src"] for source in page.all("img")] + [source["srcset"] for source in page.all("source")]
    assert len(loaded) > 6
    assert all(address is not None and address.startswith("data:image/svg+xml;base64,") for address in loaded)
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    (policy,) = [meta for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policy["content"] == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def test_no_style_or_figure_loads_anything(folder: Path) -> None:
    text = (folder / "index.html").read_text(encoding="utf-8")
    style = text[text.index("<style>") : text.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    for encoded in re.findall(r"base64,([A-Za-z0-9+/=]+)", text):
        drawing = ET.fromstring(base64.b64decode(encoded))
        for element in drawing.iter():
            for key, value in element.attrib.items():
                assert not key.endswith("href") or value.startswith(("#", "data:"))


def test_links_and_ids_lead_somewhere(page: Page, folder: Path) -> None:
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [str(link["href"]) for link in page.all("a")]
    assert len(links) > 20
    for link in links:
        if link.startswith("#"):
            assert link[1:] in ids
        else:
            assert (folder / link).is_file()


def test_every_strategy_and_number_is_on_the_page(page: Page) -> None:
    for results in EXPERIMENTS:
        for row in summary_table(summary_rows(results))[1]:
            for cell in row:
                assert cell in page.text
        assert results.identity in page.text
        assert str(results.learning_rate) in page.text
    assert "2 stored runs are left out" in page.text
    assert "model.hidden 512, 256" in page.text
    assert "schedule.path none" in page.text
    assert "machine.cores 2" in page.text
    assert "pool 12345" in page.text
    assert "The initial evaluation counts in no test." in page.text
    assert not re.search(r"\b(nan|None|inf)\b", page.text)


def test_figures_are_described_for_those_who_cannot_see_them(page: Page) -> None:
    images = page.all("img")
    assert len(images) == len(page.all("figure")) == len(page.all("figcaption")) == 4 + 4 + 1 + 2 + 2
    for image in images:
        assert image["alt"]
    described = " ".join(str(image["alt"]) for image in images)
    final = EXPERIMENTS[0].accuracies[1, -1].mean()
    assert f"margin {100 * final:.1f}%" in described
    assert "margin beat mine" in described
    assert re.search(r"lower is better\. Over all rounds: random \S+, margin \S+, mine \S+\.", described)


def test_the_page_is_semantic_and_made_for_any_width(page: Page) -> None:
    assert page.elements[0] == ("html", {"lang": "en"})
    assert len(page.all("h1")) == len(page.all("main")) == len(page.all("nav")) == 1
    assert any(meta.get("name") == "viewport" for meta in page.all("meta"))
    assert all(heading["scope"] in ("col", "row") for heading in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table"))


def test_a_hostile_name_stays_text(page: Page, folder: Path) -> None:
    assert HOSTILE in page.text
    assert HOSTILE not in (folder / "index.html").read_text(encoding="utf-8")
    assert {path.parent for path in folder.rglob("*")} == {folder, folder / "figures"}


def test_experiments_of_one_name_are_told_apart(page: Page) -> None:
    assert "letters aaaaaaaa" in page.text
    assert "letters bbbbbbbb" in page.text
    assert short_identities(["aaaaaaaa1", "aaaaaaaa2", "bbbbbbbbb"]) == ["aaaaaaaa1", "aaaaaaaa2", "bbbbbbbbb"]
    assert short_identities(["aaaaaaaa1", "aaaaaaaa1"]) == ["aaaaaaaa", "aaaaaaaa"]


def test_files_stand_beside_the_page(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {
        "index.html",
        "learning_curves.csv",
        "penalty_matrix.csv",
        "summary.csv",
        "figures",
    }
    names = sorted(path.name for path in (folder / "figures").iterdir())
    assert len(names) == 3 * (4 + 4 + 1 + 2 + 2)
    assert [name for name in names if name.startswith("letters-aaaaaaaa-learning")] == [
        "letters-aaaaaaaa-learning-curves-column.pdf",
        "letters-aaaaaaaa-learning-curves.pdf",
        "letters-aaaaaaaa-learning-curves.png",
    ]
    assert all((folder / "figures" / name).stat().st_size > 1000 for name in names)


def test_all_experiments_of_the_same_strategies_are_taken_together(page: Page) -> None:
    assert "Taken together here: two experiments with random, margin and mine." in page.text
    assert "summed over 2 experiments" in page.text
    assert "corrected over the 3 pairs of a round" in page.text

    turned = replace(
        EXPERIMENTS[1], strategies=EXPERIMENTS[1].strategies[::-1], accuracies=EXPERIMENTS[1].accuracies[::-1].copy()
    )
    one_seed = made_up(("random", "margin", "mine"), seeds=1, name="hasty")
    styles = strategy_styles(("random", "margin", "mine"))
    sections = [
        aggregate_sections([analyze(results) for results in experiments], [str(n) for n in range(3)], styles)
        for experiments in ([EXPERIMENTS[0], EXPERIMENTS[1], one_seed], [EXPERIMENTS[0], turned, one_seed])
    ]
    for (section,) in sections:
        assert "Left out, since nothing can be tested there: 2." in section.sentences
    assert sections[0][0].losses == sections[1][0].losses


def test_experiments_together_have_ranks_and_profiles(page: Page) -> None:
    described = [str(image["alt"]) for image in page.all("img")]
    (ranks,) = [text for text in described if text.startswith("Critical-difference diagram.")]
    assert re.search(r"Mean ranks: \S+ 1\.\d\d, \S+ \d\.\d\d, \S+ \d\.\d\d\.", ranks)
    (profiles,) = [text for text in described if text.startswith("Performance profiles")]
    assert all(name in profiles for name in NAMES)
    assert "1 would be the largest area under the curve in each of letters and letters." in page.text


def test_ranks_are_left_out_where_they_would_say_nothing() -> None:
    styles = strategy_styles(NAMES)
    enough, hasty = made_up(NAMES), made_up(NAMES, seeds=2)
    other = replace(enough, config={**enough.config, "data": {"name": "others"}})
    assert len(rank_figures([enough, other], "stem", styles)[0]) == 2
    two = [with_only(one, NAMES[:2]) for one in (enough, other)]
    for experiments in ([enough, enough], [other, hasty], [other, made_up(NAMES, evaluations=1)], two):
        figures, why = rank_figures(experiments, "stem", styles)
        assert figures == []
        assert why == (
            "There are no ranks: they take three strategies in two problems (a data set with a network) of three seeds "
            "or more."
        )


def of_network(name: str, model: str, data: str, seed: int) -> ExperimentResults:
    found = made_up(NAMES, gains=(0, 0.05, -0.2), seed=seed, name=name, identity=name)
    return replace(found, config={"data": {"name": data}, "model": {"name": model}})


def test_networks_and_data_sets_have_figures_of_their_own_where_they_show_something_new() -> None:
    experiments = [
        of_network("one", "mlp", "letters", 1),
        of_network("two", "mlp", "digits", 2),
        of_network("three", "lenet", "digits", 3),
    ]
    (section,) = aggregate_sections([analyze(one) for one in experiments], ["1", "2", "3"], strategy_styles(NAMES))
    network, data = section.parts
    assert (network.heading, data.heading) == ("By network", "By data set")
    assert network.sentences == [
        "mlp: two experiments, one and two.",
        "Without a figure here: lenet (its one experiment stands above).",
    ]
    assert [figure.stem for figure in data.tests] == [
        "all-experiments-data-set-digits-penalty-matrix",
        "all-experiments-data-set-digits-loss-scores",
    ]
    assert all(figure.caption.startswith("mlp. How to read it") for figure in network.tests)
    assert len(section.figures) == 2 + 2 + 2 + 2
    # Of one network and one data set there is nothing that has not been shown.
    same = [of_network(name, "mlp", "letters", seed) for seed, name in enumerate(("one", "two"))]
    (section,) = aggregate_sections([analyze(one) for one in same], ["1", "2"], strategy_styles(NAMES))
    assert section.parts == []


def test_where_nothing_is_significant_a_line_says_so() -> None:
    silent = analyze(from_accuracies(np.full((3, 5, 3), 0.7), NAMES))
    section = experiment_section(silent, stem="silent", identity="0", styles=strategy_styles(NAMES))
    assert (section.tests, section.losses) == ([], None)
    assert section.untested == "No pair differs significantly in any round."


def test_nothing_together_where_nothing_is_shared_or_tested() -> None:
    styles = strategy_styles(("random", "grad", "egl"))
    alone = [analyze(made_up(("random", "grad"))), analyze(made_up(("random", "egl")))]
    assert aggregate_sections(alone, ["a", "b"], styles) == []
    (section,) = aggregate_sections([analyze(made_up(("random", "grad"), seeds=1))] * 2, ["a", "b"], styles)
    assert section.tests == []
    assert section.sentences[0].startswith("Nothing can be tested")


def test_the_overview_names_winners_and_losers() -> None:
    table = overview_table([analyze(results) for results in EXPERIMENTS], ["first", "second", "third"])
    assert table.rows[0] == ("first", "100 to 500", "5", "margin", "–", "mine")
    assert table.rows[2] == ("third", "100 to 200", "1", "–", "–", "–")


def test_the_same_results_give_the_same_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "_write_figures", lambda folder, figures: None)  # tested above, and slow
    small = [made_up(("random", "grad"), evaluations=2, seeds=2)]
    first, second = (write_report(small, tmp_path / name).read_bytes() for name in ("one", "two"))
    assert first == second


def test_no_experiments_are_an_error_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"got 0 experiments.*ladle run"):
        write_report([], tmp_path / "report")
    assert not (tmp_path / "report").exists()


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "report"):
        with pytest.raises(ConfigError, match="choose another path"):
            write_report([from_accuracies([[[0.5]]], ("random",))], out)
    assert (tmp_path / "file").read_text() == "mine"


def test_wrong_arrays_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    wrong = replace(EXPERIMENTS[0], accuracies=np.full((3, 5, 5), np.nan))
    with pytest.raises(InputError, match="finite"):
        write_report([EXPERIMENTS[0], wrong], tmp_path / "report")
    assert list(tmp_path.iterdir()) == []


def test_file_names_are_safe_and_distinct() -> None:
    assert file_stems(["Letters A", "letters-a", "../../etc/passwd", "語", "", "é" * 80]) == [
        "letters-a",
        "letters-a-2",
        "etc-passwd",
        "experiment",
        "experiment-2",
        "e" * 60,
    ]


def test_settings_are_flattened_in_their_order() -> None:
    settings = {"b": {"c": {"d": 1.5}, "a": None}, "a": [1, True], "e": [], "f": [{"g": 1}], "h": False}
    assert flatten(settings) == [
        ("b.c.d", "1.5"),
        ("b.a", "none"),
        ("a", "1, true"),
        ("e", "none"),
        ("f", "[{'g': 1}]"),
        ("h", "false"),
    ]

"""The page in headless Chromium, its server in a process of its own: by keys, two people, killed and started again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from sklearn.datasets import load_digits
from visitors import served

from ladle.labeling import Desk, LabelingProject, open_source

CHROMIUM = shutil.which("chromium")
pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium")]
# So that Chromium looks for nothing outside this machine.
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield opened
        opened.close()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    images, labels = load_digits(n_class=3, return_X_y=True)
    for number in range(60):
        pixels = (images[number].reshape(8, 8) * 15).astype(np.uint8)
        Image.fromarray(pixels).resize((64, 64)).save(folder / f"{number:02d}-is-{labels[number]}.png")
    return folder


class Server:
    """``ladle label`` in a process of its own, on one port for its whole life."""

    def __init__(self, photos: Path) -> None:
        self.photos, self.store = photos, f"sqlite:///{photos.parent}/labels.db"
        self.port = "0"
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "ladle", "label", str(self.photos), "--classes", "zero,one,two", "--no-open"]
        command += ["--store", self.store, "--port", self.port, "--batch", "8"]
        # One thread: the training shares the machine with a browser.
        environment = os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "200"}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        assert self.process.stdout is not None
        line = next(line for line in self.process.stdout if "labeling page" in line)
        self.address = line.split()[2]
        self.port = self.address.rstrip("/").rsplit(":", 1)[1]

    def end(self, how: signal.Signals) -> str:
        """Stop the process, and return what it still said."""
        self.process.send_signal(how)
        return self.process.communicate(timeout=60)[0]

    def labels(self) -> dict[str, str]:
        with LabelingProject(open_source(self.photos), store=self.store) as project:
            return project.labels()


@pytest.fixture
def server(photos: Path) -> Iterator[Server]:
    opened = Server(photos)
    yield opened
    if opened.process.poll() is None:
        opened.end(signal.SIGKILL)


def state(page: Page, what: str) -> Any:
    return page.evaluate(f"state && {what}")


def until(page: Page, what: str) -> Any:
    """Return what the page says once it says something."""
    for _ in range(1200):
        found = state(page, what)
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"the page never came to {what}")


def press(page: Page, key: str) -> str:
    """Press a key at the example that is shown, and return its name once the answer is recorded."""
    name: str = until(page, "state.item && state.item.id")
    before = state(page, "state.mine")
    page.keyboard.press(key)
    until(page, f"state.mine === {before + 1}")
    return name


def truth(page: Page) -> str:
    name: str = until(page, "state.item && state.item.id")
    return str(int(name.split("-is-")[1][0]) + 1)


def test_twenty_by_keys_with_undo_skip_and_a_server_that_is_killed(browser: Browser, server: Server) -> None:
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    trouble: list[str] = []
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("console", lambda message: trouble.append(message.text) if "Content Security" in message.text else None)
    page.goto(server.address)
    given: dict[str, str] = {}
    for _ in range(12):
        key = truth(page)
        given[press(page, key)] = ("zero", "one", "two")[int(key) - 1]
    page.keyboard.press("Backspace")
    until(page, "state.mine === 11")
    name, label = given.popitem()
    assert until(page, "state.item && state.item.id") == name
    given[press(page, truth(page))] = label
    skipped = press(page, "-")
    assert skipped not in given
    unsure = press(page, "?")
    page.get_by_role("button", name="Look again at 1").click()
    assert until(page, "state.setAside === 0 && state.item && state.item.id") == unsure
    given[press(page, truth(page))] = ("zero", "one", "two")[int(unsure.split("-is-")[1][0])]

    shown = until(page, "state.item && state.item.id")
    page.reload()
    assert until(page, "state.item && state.item.id") == shown
    server.end(signal.SIGKILL)
    page.keyboard.press("1")
    page.get_by_role("alert").filter(has_text="does not answer").wait_for()
    assert server.labels() == given, "what was acknowledged is there, what was not is not"
    server.start()
    page.get_by_role("alert").wait_for(state="hidden")
    while len(given) < 20:
        key = truth(page)
        given[press(page, key)] = ("zero", "one", "two")[int(key) - 1]
    until(page, "state.curve.length")
    for _ in range(20):
        if until(page, "state.item").get("why", {}).get("discrepancy") is not None:
            break
        key = truth(page)
        given[press(page, key)] = ("zero", "one", "two")[int(key) - 1]
    page.keyboard.press("w")
    page.get_by_text("Nearest labeled").wait_for()

    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    rows = Path(download.value.path()).read_text().splitlines()
    assert dict(row.split(",") for row in rows[1:]) == given
    assert "stopped; " in server.end(signal.SIGINT)
    assert server.process.returncode == 0
    assert server.labels() == given
    assert not trouble
    page.close()


def test_two_people_label_at_once(browser: Browser, server: Server) -> None:
    pages = [browser.new_context().new_page() for _ in range(2)]
    names: list[str] = []
    for page in pages:
        page.goto(server.address)
    for turn in range(12):
        page = pages[turn % 2]
        names.append(press(page, truth(page)))
    assert len(set(names)) == 12
    assert set(server.labels()) == set(names)
    for page in pages:
        page.context.close()


def test_it_fits_a_phone_and_says_what_it_shows(browser: Browser, server: Server) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True)
    page = context.new_page()
    page.goto(server.address)
    until(page, "state.item")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    for button in page.get_by_role("group", name="classes").get_by_role("button").all():
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 40
        assert box["y"] + box["height"] <= 740, "the classes are seen without scrolling"
    name = state(page, "state.item.id")
    page.get_by_role("img", name=name).wait_for()
    page.get_by_role("button", name="one", exact=True).tap()
    until(page, "state.mine === 1")
    assert "Next: image" in page.locator("#spoken").inner_text()
    page.get_by_label("Another class").fill("four")
    page.get_by_role("button", name="Add").tap()
    page.get_by_role("button", name="four", exact=True).wait_for()
    context.close()


@pytest.mark.parametrize("width", [375, 1280])
def test_a_long_row_is_scrolled_by_keys_and_the_next_one_begins_at_its_top(
    browser: Browser, tmp_path: Path, width: int
) -> None:
    table = tmp_path / "wide.csv"
    rows = np.random.default_rng(0).normal(size=(12, 60)).round(3).tolist()
    table.write_text("\n".join(",".join(map(str, row)) for row in [[f"column{n}" for n in range(60)], *rows]))
    with LabelingProject(open_source(table), classes=("a", "b"), store="sqlite://") as project:
        desk = Desk(project, batch=4)
        desk.start()
        with served(desk) as live:
            page = browser.new_page(viewport={"width": width, "height": 700})
            page.goto(f"http://127.0.0.1:{live.port}/")
            first = until(page, "state.item && state.item.id")
            shown = page.locator("#shown")
            assert shown.evaluate("it => it.scrollHeight > it.clientHeight && it.scrollWidth <= it.clientWidth")
            page.keyboard.press("PageDown")
            assert shown.evaluate("it => it.scrollTop") > 0
            press(page, "1")
            assert until(page, f"state.item && state.item.id !== {first!r}")
            assert shown.evaluate("it => it.scrollTop") == 0
            page.close()
        desk.close()

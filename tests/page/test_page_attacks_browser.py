"""What a real browser does with markup in texts, with a script that got in, and with the token in the address."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, sync_playwright
from visitors import NASTY, served, texts_desk

from ladle.page import guard

CHROMIUM = shutil.which("chromium")
pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium")]
SCRIPT = (Path(guard.__file__).parent / "static" / "label.js").read_text()
#: The page's script as somebody might write it who does not mind markup.
CARELESS = SCRIPT.replace("element.append(...children);", "element.innerHTML = children.join('');")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=quiet)
        yield opened
        opened.close()


def shown(browser: Browser, folder: Path, script: str, ask: Callable[[Page], bool]) -> bool:
    """Open the page with this script of its own, and ask something of it once an example is shown."""
    with texts_desk(folder, classes=("a", "<img src=x onerror=document.title='mine'>")) as desk, served(desk) as live:
        page = browser.new_context().new_page()
        page.route("**/label.js", lambda route: route.fulfill(body=script, content_type="text/javascript"))
        page.goto(f"http://127.0.0.1:{live.port}/")
        page.locator("#classes button").nth(1).wait_for()
        found = ask(page)
        page.context.close()
        return found


def until(page: Page, what: str) -> None:
    for _ in range(1200):
        if page.evaluate(f"typeof state !== 'undefined' && state && {what}"):
            return
        time.sleep(0.05)
    raise AssertionError(f"the page never came to {what}")


def has_markup(page: Page) -> bool:
    return bool(page.locator("#classes img, #shown script").count())


def has_run(page: Page) -> bool:
    page.wait_for_timeout(300)
    return page.title() == "mine"


def test_texts_and_classes_are_text(browser: Browser, tmp_path: Path) -> None:
    def says_it(page: Page) -> bool:
        return NASTY in page.locator("#shown").inner_text() and not has_markup(page)

    assert shown(browser, tmp_path, SCRIPT, says_it)


def test_markup_gets_in_with_a_careless_script_and_still_runs_nothing(browser: Browser, tmp_path: Path) -> None:
    assert CARELESS != SCRIPT
    assert shown(browser, tmp_path, CARELESS, lambda page: has_markup(page) and not has_run(page))


def test_it_runs_once_the_policy_is_gone_too(browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(guard._HEADERS, "Content-Security-Policy")
    assert shown(browser, tmp_path, CARELESS, has_run)


def test_the_token_leaves_the_address_and_a_link_elsewhere_finds_the_same_person(
    browser: Browser, tmp_path: Path
) -> None:
    with texts_desk(tmp_path) as desk, served(desk, token="secret") as live:
        here = f"http://127.0.0.1:{live.port}/"
        page = browser.new_context().new_page()
        page.goto(f"{here}?token=secret")
        until(page, "state.item !== null")
        assert page.url == here
        page.keyboard.press("1")
        until(page, "state.mine === 1")
        page.reload()
        until(page, "state.mine === 1")

        def mail(route: Route) -> None:
            route.fulfill(body=f'<a href="{here}?token=secret">label</a>', content_type="text/html")

        page.route(re.compile("http://mail.example/"), mail)
        page.goto("http://mail.example/")
        page.get_by_role("link").click()
        until(page, "state.mine === 1")
        assert page.url == here
        page.context.close()

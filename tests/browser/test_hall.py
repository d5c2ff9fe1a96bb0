"""What a hall sees: every step whole and large at three sizes of screen, and a vote by three phones."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard.conference import DEFAULT
from tests.browser.app import calm
from tests.browser.staged import Server, place

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(1800)]

SIZES = ((1280, 720), (1920, 1080), (3840, 2160))
LARGER, FILM = 1.25, 0.45
"""Type against that of the normal page, and the film's part of the screen, at least."""
CUT_OFF = """() => {
  const main = document.querySelector('[data-testid="stMain"]'), found = [];
  if (main.scrollHeight > main.clientHeight + 1 || main.scrollWidth > main.clientWidth + 1) found.push('it scrolls');
  const says = (element) => element.textContent.trim().slice(0, 40) || element.tagName;
  for (const element of document.querySelectorAll('.stApp *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    const place = element.getBoundingClientRect();
    if (!(own || /^(img|image|canvas)$/i.test(element.tagName)) || place.width < 3 || place.height < 3) continue;
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    const frame = element.closest('.js-plotly-plot')?.getBoundingClientRect();
    const [left, top, right, bottom] = frame ? [frame.left, frame.top, frame.right, frame.bottom] : [0, 0, 1e9, 1e9];
    if (place.left < Math.max(0, left) - 2 || place.top < Math.max(0, top) - 2
      || place.right > Math.min(innerWidth, right) + 2 || place.bottom > Math.min(innerHeight, bottom) + 2)
      found.push(`outside: ${says(element)}`);
    const { clientWidth, scrollWidth } = element;
    if (own && clientWidth && scrollWidth > clientWidth + 1) found.push(`cut: ${says(element)}`);
  }
  return found;
}"""
"""Text and pictures that are not whole on the screen, and in their chart."""
TYPE = """() => {
  const sizes = (within, size) => [...document.querySelectorAll(`[data-testid="stMain"] ${within}`)]
    .filter((one) => one.checkVisibility() && one.getBoundingClientRect().width > 2).map(size);
  const font = (one) => parseFloat(getComputedStyle(one).fontSize);
  const found = {
    headline: sizes('.st-key-answer h2', font), heading: sizes('h3', font),
    answer: sizes('.st-key-confidence p', font).slice(0, 1),
    body: sizes('[data-testid="stCaptionContainer"] p', font),
    ticks: sizes('.js-plotly-plot :is(.xtick, .ytick) text', (one) => one.getBoundingClientRect().height),
  };
  const there = Object.entries(found).filter(([, all]) => all.length);
  return Object.fromEntries(there.map(([kind, all]) => [kind, Math.min(...all)]));
}"""
"""Kind of type to the size of its smallest, px as they are seen."""
FILLED = """() => Math.max(0, ...[...document.querySelectorAll(
    '[class*="st-key-viewer-"]:not(.st-key-viewer-space), .st-key-replay')].map((film) => {
  const { width, height } = film.getBoundingClientRect();
  return width * height / innerWidth / innerHeight;
}))"""
"""Part of the screen that the film fills."""


def answers(place: tuple[str, int]) -> bool:
    """Return whether anybody listens there."""
    try:
        socket.create_connection(place, timeout=5).close()
    except ConnectionError:
        return False
    return True


def cut_off(page: Page) -> list[str]:
    """Return what is not whole once the page has settled: charts are drawn anew after the screen has another size."""
    for _ in range(60):
        found = page.evaluate(CUT_OFF)
        page.wait_for_timeout(500)
        if not found and not page.evaluate(CUT_OFF):  # and so it stays
            return []
    return page.evaluate(CUT_OFF)


@pytest.fixture
def ours(talk: Callable[[str], Server]) -> Server:
    """Return a server with the program's own playlist, which waits for a slow machine."""
    return talk(DEFAULT.read_text("utf-8").replace("idle_seconds = 90", "idle_seconds = 3600"))


def test_every_step_stands_whole_and_large_on_every_screen(ours: Server, hall: Callable) -> None:
    page = hall(ours, *SIZES[0])
    count, large = int(place(page).split()[-1]), {}
    for number in range(1, count + 1):
        page.locator(".st-key-film").wait_for()
        calm(page)
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_function(f"() => ({FILLED})() >= {FILM}")
            assert cut_off(page) == [], (number, width)
            large[number, width] = page.evaluate(TYPE)
        assert "No answer" not in page.get_by_test_id("stMain").inner_text()
        page.keyboard.press("PageDown")
        following = f"{number % count + 1} / {count}"
        expect(page.locator(".st-key-stage-bar").get_by_text(following, exact=True)).to_be_visible()
    calm(page)
    page.keyboard.press("?")
    page.get_by_role("button", name="Leave conference mode").click()
    expect(page.locator(".st-key-stage-bar")).to_have_count(0)
    page.locator(".st-key-bars .ytick text").first.wait_for()
    calm(page)
    desk = page.evaluate(TYPE)
    assert {*desk} == {"headline", "heading", "answer", "body", "ticks"}
    for seen, kinds in large.items():
        assert {kind: size >= LARGER * desk[kind] - 0.01 for kind, size in kinds.items()} == dict.fromkeys(
            kinds, True
        ), seen
    assert {*desk} - {*large[1, SIZES[0][0]]} == {"heading"}


def test_three_phones_vote_and_see_what_the_model_says(ours: Server, hall: Callable, browser: Browser) -> None:
    own = ours.vote
    address = "http://{}:{}/".format(*own)
    page = hall(ours, *SIZES[0])
    page.locator(".st-key-bars .ytick text").first.wait_for()
    assert not answers(own)  # off until the speaker turns it on

    page.keyboard.press("v")
    expect(page.locator(".hall-code")).to_contain_text(address)
    expect(page.locator(".st-key-answer, .st-key-film")).to_have_count(0)  # nothing of the model's is there to be read
    assert cut_off(page) == []
    phones = [browser.new_context(viewport={"width": 390, "height": 844}).new_page() for _ in range(3)]
    for phone, label in zip(phones, ("Cofield", "Cofield", "Zimmer"), strict=True):
        phone.goto(address)
        question = phone.locator("input[name=question]").get_attribute("value")
        phone.get_by_role("button", name=label).click()
        expect(phone.get_by_text(f"Your vote: {label}")).to_be_visible()
        again = phone.request.post(address, form={"question": question, "label": "1"}, max_redirects=0)
        assert (again.status, phone.get_by_role("button").count()) == (409, 0)  # one vote a phone
    expect(page.locator(".hall-bars b")).to_have_text(["2", "0", "0", "1"])
    expect(page.get_by_text("3 votes")).to_be_visible()
    for path in ("implant", "_stcore/health", "_stcore/stream", "_stcore/metrics", "media/x.png", "?presenter=x"):
        reached = phones[0].request.get(f"{address}{path}")
        assert reached.status == (200 if path.startswith("?") else 404), path
        assert "stApp" not in reached.text()

    page.keyboard.press("v")
    verdict = page.locator(".st-key-stage-verdict")
    expect(verdict.get_by_text("The hall: Cofield (67% of 3)")).to_be_visible()
    expect(verdict.get_by_text(re.compile(r"The model: Cofield \(\d+%\)"))).to_be_visible()
    expect(verdict.locator(".hall-bars .answer")).to_contain_text("Cofield")
    expect(page.locator(".st-key-film .imagelayer image + image")).to_have_css("opacity", "1")  # the heat
    calm(page)
    assert cut_off(page) == []
    own_answer = page.locator(".st-key-answer").bounding_box()
    assert own_answer["y"] + own_answer["height"] < verdict.bounding_box()["y"]
    phones[2].goto(address)
    expect(phones[2].get_by_text("The model says: Cofield")).to_be_visible()

    page.get_by_role("button", name="End the vote").click()
    expect(verdict).to_have_count(0)
    while answers(own):
        page.wait_for_timeout(100)
    for phone in phones:
        phone.context.close()

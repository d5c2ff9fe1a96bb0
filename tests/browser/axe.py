"""What axe-core finds on a page, and what it cannot see: the contrast of texts that plotly draws.

axe-core (dequeuniversity.com/rules/axe) comes with the package `axe-playwright-python`, so no network is needed. It
does not judge texts of an SVG; for these the colour of the letters is compared with the colour that most pixels round
them have on a picture of the page (WCAG 2.2, 1.4.3).
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from axe_playwright_python.base import AXE_FILE_PATH
from numpy.typing import NDArray
from PIL import Image as Pillow
from playwright.sync_api import Page

from tests.browser.app import CALM, calm

GRAVE = ("serious", "critical")
SCHEMES = ("light", "dark")
FOUND = """only => axe.run(document,
    {resultTypes: ['violations'], elementRef: false, ...(only && {runOnly: {type: 'rule', values: only}})})"""
OF_COLOURS = ("color-contrast", "link-in-text-block")
"""Rules whose verdict another scheme can change: those of the second look at a page."""
DRAWN = """() => [...document.querySelectorAll('.js-plotly-plot')].flatMap(plot => {
    const all = plot.getBoundingClientRect();
    return [...plot.querySelectorAll('svg text')].map(text => {
        const box = text.getBoundingClientRect(), style = getComputedStyle(text);
        const inside = box.width > 1 && box.left >= all.left && box.right <= all.right + 1 && box.top >= all.top
            && box.bottom <= Math.min(all.bottom + 1, innerHeight);
        const y = (box.top + box.bottom) / 2;
        const open = [box.left + 1, (box.left + box.right) / 2, box.right - 1].every(
            x => plot.contains(document.elementFromPoint(x, y)));
        const seen = open && text.checkVisibility({opacityProperty: true, visibilityProperty: true});
        return inside && seen && text.textContent.trim() ? {
            words: text.textContent, fill: style.fill.match(/[\\d.]+/g).map(Number), share: +style.fillOpacity,
            size: parseFloat(style.fontSize), bold: +style.fontWeight >= 600,
            box: [box.left, box.top, box.right, box.bottom].map(Math.round) } : null;
    }).filter(text => text);
})"""
"""Every text in a chart that a visitor can see whole."""
LARGE_PX, LARGE_BOLD_PX = 24, 18.66
TRIES = 5
NEAR = 12
"""How far the pixels of a letter are from its colour, at most, of 255."""


def grave(page: Page) -> list[str]:
    """Return what is wrong with a page in light and in dark; it is left in the one it was not in."""
    now = page.evaluate("() => matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'")
    wrong: list[str] = []
    for scheme in sorted(SCHEMES, key=lambda scheme: scheme != now):
        if scheme != now:
            page.emulate_media(color_scheme=scheme)
        wrong += [f"{scheme}: {found}" for found in _judged(page, OF_COLOURS if scheme != now else None)]
    return wrong


def _judged(page: Page, rules: Sequence[str] | None) -> list[str]:
    """Judge a page that stood still from the first look to the last: while its script runs, what is stale fades."""
    for _ in range(TRIES):
        calm(page)
        found = [*violations(page, rules), *faint_texts(page)]
        if page.evaluate(CALM):
            return found
    raise TimeoutError(f"the page did not stand still for one of {TRIES} looks")


def violations(page: Page, rules: Sequence[str] | None = None) -> list[str]:
    """Return the violations that axe-core calls serious or critical: rule, place, what to do; None asks every rule."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE_FILE_PATH.read_text("utf-8"))
    return [
        f"{rule['id']} ({rule['impact']}) at {node['html'][:200]}: {node['failureSummary']}"
        for rule in page.evaluate(FOUND, rules and [*rules])["violations"]
        if rule["impact"] in GRAVE
        for node in rule["nodes"]
    ]


def faint_texts(page: Page) -> list[str]:
    """Return the texts in charts whose contrast is below 4.5 to 1, or below 3 to 1 where they are large."""
    drawn = page.evaluate(DRAWN)
    if not drawn:
        return []
    pixels = np.asarray(Pillow.open(io.BytesIO(page.screenshot())).convert("RGB"), float)  # (H, W, 3)
    faint = []
    for text in drawn:
        left, top, right, bottom = text["box"]
        ratio = contrast_to_its_ground(pixels[top:bottom, left:right].reshape(-1, 3), text["fill"], text["share"])
        needed = 3 if text["size"] >= (LARGE_BOLD_PX if text["bold"] else LARGE_PX) else 4.5
        if ratio < needed:
            faint.append(f"text in a chart {text['words']!r} in {text['fill']}: contrast {ratio:.2f}, not {needed}")
    return faint


def contrast_to_its_ground(pixels: NDArray[np.float64], fill: list[float], share: float) -> float:
    """Return the contrast of letters of colour `fill` to the commonest other colour of their pixels (N, 3)."""
    share *= fill[3] if len(fill) > 3 else 1
    seen, count = np.unique(pixels // 4, axis=0, return_counts=True)
    for ground in seen[np.argsort(-count)] * 4 + 2:
        letters = share * np.array(fill[:3]) + (1 - share) * ground
        if np.abs(letters - ground).max() > NEAR:
            light, dark = sorted((luminance(letters), luminance(ground)), reverse=True)
            return float((light + 0.05) / (dark + 0.05))
    return 1.0


def luminance(colour: NDArray[np.float64]) -> float:
    """Return the relative luminance of an sRGB colour of 0 to 255 (WCAG 2.2)."""
    share = colour / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))

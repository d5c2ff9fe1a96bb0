"""From stored values to [0, 1] by hand: bounds of size, range, padding, windows and what is only grey in colour."""

from __future__ import annotations

import numpy as np
import pytest

from models.errors import TooLarge
from models.io.decoded import Decoded, Header, Limits
from models.types import Curve, Window

LIMITS = Limits(side_px=1024, decoded_mb=8, frames=4)


@pytest.mark.parametrize(
    ("declared", "says"),
    [
        ((1024, 1024, 2, 4.0), ""),  # 2 · 1024 · 1024 · 4 bytes are 8 MB
        ((1024, 1024, 2, 1.0), ""),  # whose float32 take as much
        ((1024, 1024, 3, 1.0), "declares 12 MB of pixels, more than 8 MB"),
        ((1024, 1024, 2, 4.5), "declares 9 MB"),
        ((1024, 1024, 1, 3.0, 3), "declares 12 MB"),  # a float32 a sample
        ((512, 512, 2, 3.0, 3), ""),
        ((1, 1, 4, 1.0), ""),
        ((1, 1, 5, 1.0), "declares 5 frames, more than 4"),
        ((1025, 2, 1, 1.0), "declares 2 × 1,025 pixels, more than 1,024 on a side"),
        ((2, 1025, 1, 1.0), "declares 1,025 × 2 pixels"),
    ],
)
def test_a_limit_is_the_largest_that_is_taken(declared: tuple, says: str) -> None:
    if not says:
        LIMITS.check(*declared)
        return
    with pytest.raises(TooLarge, match=says) as refused:
        LIMITS.check(*declared)
    name = "SIDE_PX" if "×" in says else "FRAMES" if "frames" in says else "DECODED_MB"
    assert f"ORTHOLENS_MAX_{name}" in str(refused.value.fix)


def seen(stored: np.ndarray, bits: int, **more: object) -> np.ndarray:
    return Decoded(stored, bits, **more).image("x", "0").pixels  # type: ignore[arg-type]


def test_up_to_eight_bits_black_and_white_are_declared() -> None:
    values = np.array([[[3, 12]]])
    assert seen(values.astype(np.uint8), 8).tolist() == pytest.approx(np.array([[[3 / 255, 12 / 255]]]))
    assert seen(values.astype(np.uint8), 4) == pytest.approx(np.array([[[3 / 15, 12 / 15]]]))
    assert seen(values.astype(np.int8), 8) == pytest.approx(np.array([[[131 / 255, 140 / 255]]]))  # from −128 to 127
    assert seen(np.array([[[-8, 7, 0]]], np.int8), 4) == pytest.approx(np.array([[[0, 1, 8 / 15]]]))
    scaled = seen(values.astype(np.uint8), 8, rescale=np.array([[2.0, -7.0]], np.float32))
    assert scaled == pytest.approx(np.array([[[3 / 255, 12 / 255]]]))  # the declared ends are scaled with them
    colour = seen(np.array([[[[0, 51, 15]]]], np.uint8), 8)
    assert colour == pytest.approx(np.array([[[[0, 0.2, 15 / 255]]]]))
    assert seen(np.array([[[[0, 3, 30]]]], np.uint8), 4) == pytest.approx(np.array([[[[0, 0.2, 1]]]]))  # never over 1


def test_over_eight_bits_the_smallest_and_the_largest_of_all_frames_are_the_ends() -> None:
    frames = np.array([[[100, 300]], [[200, 500]]], np.uint16)
    assert seen(frames, 16) == pytest.approx(np.array([[[0, 0.5]], [[0.25, 1]]]))
    own = np.array([[1.0, 0.0], [2.0, -100.0]], np.float32)  # 100 and 300; 300 and 900
    assert seen(frames, 16, rescale=own) == pytest.approx(np.array([[[0, 0.25]], [[0.25, 1]]]))
    assert seen(frames, 16, inverted=True) == pytest.approx(np.array([[[1, 0.5]], [[0.75, 0]]]))
    assert seen(np.full((1, 2, 2), 7, np.uint16), 16).tolist() == [[[0, 0], [0, 0]]]
    far = np.array([[[2**24 + 1, 2**24 + 2, 2**24 + 3]]], np.int32)  # which float32 cannot tell apart
    assert seen(far, 32) == pytest.approx(np.array([[[0, 0.5, 1]]]))
    fractions = np.array([[[1.0, np.nan, 3.0, np.inf, -np.inf, 2.0]]], np.float32)
    assert seen(fractions, 32) == pytest.approx(np.array([[[0, 0, 1, 1, 0, 0.5]]]))


def test_padding_is_black_and_takes_no_part_in_the_range() -> None:
    frames = np.array([[[0, 10, 100, 150, 200, 4000, 4001]]], np.uint16)
    padded = seen(frames, 16, padding=(0.0, 10.0))
    assert padded == pytest.approx(np.array([[[0, 0, 0, 50 / 3901, 100 / 3901, 3900 / 3901, 1]]]))
    upper = seen(frames, 16, padding=(4000.0, 4001.0), inverted=True)
    assert upper == pytest.approx(np.array([[[1, 0.95, 0.5, 0.25, 0, 0, 0]]]))
    assert not seen(frames, 16, padding=(0.0, 5000.0)).any()


def windows(*given: Window, stored: np.ndarray | None = None, **more: object) -> tuple[Window, ...]:
    values = np.array([[[0, 1000]]], np.uint16) if stored is None else stored
    header = Header(windows=given)
    return Decoded(values, 16, header, **more).image("x", "0").windows  # type: ignore[arg-type]


def test_windows_are_turned_and_scaled_with_the_pixels() -> None:
    soft = Window("Soft", 200.0, 400.0)
    assert [(one.name, one.low, one.high) for one in windows(soft)] == [
        ("Soft", pytest.approx(0.2), pytest.approx(0.4)), ("Full range", 0, 1)
    ]  # fmt: skip
    (over, _) = windows(soft, inverted=True)
    assert (over.low, over.high) == pytest.approx((0.6, 0.8))
    course = Window("Curve", 200.0, 400.0, Curve((0.0, 0.25, 1.0), -0.5, 2.0))
    (bent, _), (bent_over, _) = windows(course), windows(course, inverted=True)
    assert bent.curve == course.curve
    assert bent_over.curve == course.curve.turned()
    (step, _) = windows(Window("Step", 500.0, 500.0))
    assert 0 < step.high - step.low < 1e-3


@pytest.mark.parametrize(("low", "high", "kept"), [(-500.0, 0.0, False), (-500.0, 1.0, True), (999.0, 2000.0, True),
                                                   (1000.0, 2000.0, False)])  # fmt: skip
def test_a_window_that_shows_nothing_is_left_out_and_told(low: float, high: float, kept: bool) -> None:
    image = Decoded(
        np.arange(1001, dtype=np.uint16)[None, None], 16, Header(windows=(Window("Own", low, high),))
    ).image("x", "0")
    assert [one.name for one in image.windows] == ["Own" if kept else "Automatic", "Full range"]
    assert len(image.warnings) == (not kept)


def test_without_a_window_the_middle_ninety_nine_percent_are_shown_of_what_is_no_background() -> None:
    values = np.arange(1001, dtype=np.uint16)[None, None]
    (automatic, full) = Decoded(values, 16).image("x", "0").windows
    assert (automatic.name, full.name) == ("Automatic", "Full range")
    assert (automatic.low, automatic.high) == pytest.approx((0.005, 0.995))
    padded = np.concatenate([np.zeros(3000, np.uint16), values.ravel() + 500])[None, None]
    (own, _) = Decoded(padded, 16, padding=(0.0, 0.0)).image("x", "0").windows
    assert (own.low, own.high) == pytest.approx((0.006, 0.995), abs=2e-4)  # 0 itself is background then
    (all_, _) = Decoded(padded, 16).image("x", "0").windows
    assert all_.low == 0
    assert [one.name for one in Decoded(values.astype(np.uint8), 8).image("x", "0").windows] == ["Full range"]
    assert [one.name for one in Decoded(values * 0 + 5, 16).image("x", "0").windows] == ["Full range", "Full range"]
    large = np.arange(4_000_000, dtype=np.float32).reshape(1, 2000, 2000)
    (thinned, _) = Decoded(large, 32).image("x", "0").windows
    assert (thinned.low, thinned.high) == pytest.approx((0.005, 0.995), abs=1e-5)


@pytest.mark.parametrize(("bits", "kind", "most"), [(8, np.uint8, 2), (16, np.uint16, 514), (8, np.int16, 2)])
def test_colours_that_are_noise_on_grey_are_one_channel(bits: int, kind: type, most: int) -> None:
    grey = np.linspace(0, 2**bits - 3 - most, 300 * 5).astype(kind).reshape(1, 300, 5)
    colours = np.stack([grey] * 3, -1)
    for channel in (1, 2):
        noisy = colours.copy()
        noisy[0, 299, 4, channel] += kind(most)  # below the first rows that are looked at
        slim = Decoded(noisy, bits).slimmed()
        assert (slim.stored.shape, slim.bits) == ((1, 300, 5), 8)
        scaled = noisy[..., 1] if bits == 8 else np.rint(noisy[..., 1] / 257)
        assert (slim.stored == scaled).all()
        noisy[0, 299, 4, channel] += kind(1)
        true = Decoded(noisy, bits).slimmed()
        assert (true.stored.shape, true.bits) == ((1, 300, 5, 3), bits)
    second = np.concatenate([colours, colours])
    second[1, 3, 3, 0] += kind(most + 1)  # red alone, in the second frame
    assert Decoded(second, bits).slimmed().stored.ndim == 4
    assert Decoded(grey, bits).slimmed().stored is grey

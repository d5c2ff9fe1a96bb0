"""Conference mode: the playlist's errors, the state machine at its own clock, and forgetting in a real session."""

from __future__ import annotations

import gc
import tomllib
import weakref
from collections.abc import Callable, Collection
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import hypothesis
import pytest
import streamlit as st
from hypothesis import HealthCheck, given
from hypothesis import strategies as some
from streamlit.testing.v1 import AppTest

import models
from dashboard import conference, session
from dashboard.case import pages
from dashboard.conference import DEFAULT, Playlist, Stage, find_case_of_step, load_playlist
from dashboard.stage import bar, keys
from models import Image
from models.cases import cases, list_first_cases
from models.errors import BadPlaylist
from models.settings import settings

STEP_OF_TISSUE = {"title": "B", "page": "tissue", "case": "joint-section"}
PAGES = dict.fromkeys(("home", "implant", "pathology", "tissue", "kinematics"), ())
STEP = '[[step]]\ntitle = "A"\npage = "implant"\n'


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], Path]:
    """Return what writes a playlist."""

    def write(text: str) -> Path:
        path = tmp_path / "talk.toml"
        path.write_text(text, "utf-8")
        return path

    return write


def playlist(count: int = 3, seconds: float = 10, idle_seconds: float = 60) -> Playlist:
    step = {"page": "implant", "seconds": seconds}
    steps = [step | {"title": f"Step {number}"} for number in range(1, count + 1)]
    return Playlist.model_validate({"idle_seconds": idle_seconds, "step": steps})


def of_the_program() -> dict[str, Collection[str]]:
    """Return the pages of the program with their panels."""
    addresses = (*pages.list_tasks_with_page(), "home", "how_it_works", "model_cards", "worklist")
    return {address: pages.list_panels_of_page(address) for address in addresses}


# The playlist


def test_the_playlist_of_the_program_is_whole() -> None:
    raw = tomllib.loads(DEFAULT.read_text("utf-8"))["step"]
    shown = load_playlist(DEFAULT, of_the_program())
    there = [step["title"] for step in raw if "case" not in step or find_case_of_step(step["case"]) is not None]
    assert [step.title for step in shown.step] == there  # those of a page for which nothing is answered are left out
    assert all(step.notes for step in shown.step)
    assert {"tissue", "kinematics", "detection"} <= {step.page for step in shown.step}


def test_the_playlist_of_the_program_shows_nobodys_image() -> None:
    steps = load_playlist(DEFAULT, of_the_program()).step
    assert all(step.case is None or find_case_of_step(step.case) in cases() for step in steps)
    assert not any(step.show.anyway for step in steps)  # every step shows an answer that its model gives


def test_a_case_is_named_by_its_place_on_a_page() -> None:
    first, second = list_first_cases("tissue")[:2]
    assert (find_case_of_step("@tissue"), find_case_of_step("@tissue/1"), find_case_of_step("@tissue/2")) == (
        first,
        first,
        second,
    )
    assert [find_case_of_step(name) for name in ("@tissue/99", "@tissue/0", "@tissue/x", "@nowhere", "mine.png")] == [
        None
    ] * 5


def test_of_the_programs_playlist_steps_without_a_page_are_left_out() -> None:
    assert {step.page for step in load_playlist(DEFAULT, {"tissue": pages.list_panels_of_page("tissue")}).step} == {
        "tissue"
    }


def test_a_playlist_of_which_nothing_can_be_shown_is_an_error() -> None:
    with pytest.raises(BadPlaylist, match="there is no page 'implant'"):
        load_playlist(DEFAULT, {"nowhere": ()})


def test_a_file_beside_the_playlist_is_a_case(written: Callable[[str], Path]) -> None:
    path = written(f'{STEP}case = "mine.png"\norigin = "With consent"\n')
    (path.parent / "mine.png").write_bytes(b"x")
    assert load_playlist(path, PAGES).step[0].case == "mine.png"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("idle_seconds = ", "talk.toml: is no TOML file"),
        ("idle_seconds = 60", "step: field required"),
        ("step = []", "step: tuple should have at least 1 item"),
        (f"idle_seconds = 1\n{STEP}", "idle_seconds: input should be greater than or equal to 5"),
        (f"{STEP}seconds = 0", "step 1, seconds: input should be greater"),
        (f"{STEP}{STEP}second = 5", "step 2, second: extra inputs are not permitted"),
        (f'{STEP}show = {{ layout = "Big" }}', "step 1, show.layout: input should be 'Overlay'"),
        (f'{STEP}[[step]]\npage = "implant"', "step 2, title: field required"),
        (f'{STEP}[[step]]\ntitle = "B"\npage = "implnat"', "step 2, page: there is no page 'implnat'. Choose one of"),
        (f'{STEP}case = "nobody.png"', "step 1, case: there is no file 'nobody.png'. Put it beside"),
        (
            f'{STEP}show = {{ panel = "Big" }}',
            "show.panel: the page 'implant' has no panel 'Big'. Leave it out",
        ),
        (f'{STEP}card = "nobody"', "step 1, card: there is no model 'nobody'. Choose one of"),
    ],
)
def test_an_error_names_file_step_field_and_fix(text: str, says: str, written: Callable[[str], Path]) -> None:
    with pytest.raises(BadPlaylist) as caught:
        load_playlist(written(text), PAGES)
    assert str(caught.value).startswith("talk.toml: ")
    assert says in str(caught.value)
    assert caught.value.fix


def test_a_playlist_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadPlaylist, match=r"talk.toml: cannot be read"):
        load_playlist(tmp_path / "talk.toml", PAGES)


# The state machine


def test_keys_walk_around_the_playlist() -> None:
    here = Stage(playlist(), touched=0)
    places = [here.position]
    for wish in ("next", "next", "next", "previous", "first", "last"):
        here = here.wish(wish, 1)
        places.append(here.position)
    assert places == [0, 1, 2, 0, 2, 0, 2]
    assert here.turn == 6


def test_nobody_is_interrupted_before_they_are_idle() -> None:
    here = Stage(playlist(), touched=0).wish("next", 5).drawn(6)
    assert here.tick(64.9) == here
    assert here.touch(60).tick(119.9).position == 1


def test_idle_brings_the_first_step_back_and_begins_the_loop() -> None:
    here = Stage(playlist(), touched=0, vote="open", table=True).wish("last", 5).drawn(6).tick(65)
    assert (here.position, here.resets, here.looping, here.vote, here.table) == (0, 1, True, "off", False)
    assert here.turned is None


def test_the_loop_goes_on_without_another_reset() -> None:
    here = Stage(playlist(), touched=0).tick(60)
    for now in range(60, 1860):
        here = here.drawn(now).tick(now)
    assert (here.resets, here.looping) == (1, True)
    assert here.loops == 1800 // 33  # three steps of 10 s, each drawn a tick after it was opened


def test_a_touch_stops_the_loop_where_it_is() -> None:
    here = Stage(playlist(), touched=0).tick(60).drawn(61).tick(71).drawn(72).touch(75)
    assert (here.position, here.looping) == (1, False)
    assert here.tick(134).position == 1


def test_slow_work_takes_nothing_of_a_steps_time() -> None:
    here = Stage(playlist(), touched=0).tick(60)
    assert here.tick(500) == here  # not drawn yet
    here = here.drawn(500)
    assert here.drawn(505).turned == 500
    assert here.tick(509) == here
    assert here.tick(510).position == 1


def test_the_loop_can_be_begun_and_stopped_by_a_key() -> None:
    here = Stage(playlist(), touched=0).drawn(0).wish("play", 5)
    assert here.tick(14).position == 0
    assert here.tick(15).position == 1
    assert not here.wish("play", 6).looping


def test_files_open_and_close() -> None:
    here = Stage(playlist(), touched=0).wish("table", 1)
    assert here.table
    assert here.turn == 0
    assert not here.wish("table", 2).table


def test_a_vote_is_asked_revealed_and_over_and_goes_on_to_the_next_step() -> None:
    asked = Playlist.model_validate({"step": [{"title": "A", "page": "implant", "case": "a.png"}, STEP_OF_TISSUE]})
    here, votes = Stage(asked, touched=0), []
    for _ in range(4):
        here = here.wish("vote", 1)
        votes.append(here.vote)
    assert votes == ["open", "revealed", "waiting", "open"]
    assert here.turn == 0
    assert here.wish("next", 2).vote == "waiting"
    assert here.wish("next", 2).wish("vote", 3).vote == "waiting"  # a painted picture has no label to vote for
    assert here.wish("end-vote", 2).vote == "off"
    assert here.wish("end-vote", 2).wish("next", 3).vote == "off"


EVENT = some.one_of(
    some.sampled_from(get_args(conference.Wish)).map(lambda wish: lambda here, now: here.wish(wish, now)),
    some.just(lambda here, now: here.touch(now)),
    some.just(lambda here, now: here.drawn(now).tick(now)),
)


@hypothesis.settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(some.lists(some.tuples(some.floats(0, 100), EVENT), max_size=40), some.integers(1, 5))
def test_whatever_happens_a_step_is_on_the_screen(happenings: list[tuple[float, Callable]], count: int) -> None:
    here, now = Stage(playlist(count), touched=0), 0.0
    for passed, event in happenings:
        now += passed
        before, here = here, event(here, now)
        assert 0 <= here.position < count
        assert here.turn >= before.turn
        assert here.position == before.position or here.turn > before.turn
        assert here.touched <= now


def test_a_key_that_is_sent_twice_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(st, "session_state", {})
    monkeypatch.setattr(session, "wish_on_stage", done.append)
    component = SimpleNamespace(wish=[])
    st.session_state[keys.KEY] = component
    for told in ([10.5], [10.5], [10.5, 11.0], []):
        component.wish = [{"key": "next", "at": at} for at in told]
        keys._wished()
    assert done == ["next", "next"]


def test_of_keys_that_a_busy_page_takes_together_each_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "session_state", {})
    told = [("next", 1.0), ("next", 2.0), ("previous", 3.0)]
    assert session.list_new_keys(told[:1]) == ["next"]
    assert session.list_new_keys(told) == ["next", "previous"]
    assert session.list_new_keys(told) == []
    assert session.list_new_keys([("play", 0.5)]) == ["play"]  # the page was loaded anew, and with it its clock


# A session


@pytest.fixture
def staged(random_card: str, monkeypatch: pytest.MonkeyPatch, written: Callable[[str], Path]) -> Callable[[], AppTest]:
    """Return what opens the app in conference mode with two steps, on a clock that a test moves."""
    path = written(
        f'idle_seconds = 60\n{STEP}case = "shoulder_anatomic.dcm"\nnotes = "Say hello"\n'
        f'[[step]]\ntitle = "B"\npage = "implant"\ncase = "shoulder_reverse.png"\nshow = {{ layout = "Image only" }}\n'
    )
    monkeypatch.setenv("ORTHOLENS_STAGE", str(path))
    settings.cache_clear()
    yield lambda: AppTest.from_file(bar.__file__.replace("stage/bar", "app"), default_timeout=240)
    settings.cache_clear()


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Return what sets the clock of the stage."""
    now = [0.0]
    monkeypatch.setattr("dashboard.session.stage.read_stage_clock", lambda: now[0])
    return lambda seconds: now.__setitem__(0, seconds)


def title(page: AppTest) -> str:
    return next(text.value for text in page.markdown if text.value in ("**A**", "**B**"))


def queued(page: AppTest) -> list[str]:
    return [item.name for item in page.session_state["files"].values()]


def test_the_first_step_is_there_at_once_and_keys_go_on(staged: Callable, later: Callable) -> None:
    page = staged().run()
    assert not page.exception
    assert title(page) == "**A**"
    assert any("Simulated by OrthoLens" in caption.value for caption in page.caption)
    page = page.button(key="stage-next").click().run()
    assert title(page) == "**B**"
    assert page.session_state["layout"] == "Image only"
    page = page.button(key="stage-previous").click().run()
    assert title(page) == "**A**"
    assert not any("Say hello" in text.value for text in page.markdown)  # the speaker's, on the speaker's page
    assert any(models.DISCLAIMER in caption.value for caption in page.caption)


def test_a_stage_goes_on_in_the_language_it_began_in(staged: Callable, later: Callable) -> None:
    page = staged()
    page.query_params["lang"] = "de"
    page = page.run()
    page = page.button(key="stage-next").click().run()
    assert page.button(key="stage-next").label == "Weiter"
    later(61)  # nobody is there: the first step again, and everything forgotten but this
    assert page.run().button(key="stage-next").label == "Weiter"


def test_idle_forgets_an_upload_everywhere(
    staged: Callable, later: Callable, drop: Callable, picture: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, list[weakref.ref[Image]]] = {}

    def read(data: bytes | Path, name: str = "") -> Image:
        image = models_read(data, name)
        seen.setdefault(image.name, []).append(weakref.ref(image))  # the worklist reads for itself, beside the page
        return image

    def alive(name: str) -> bool:
        return any(image() is not None for image in seen[name])

    models_read = models.read
    monkeypatch.setattr(models, "read", read)
    page = staged().run()
    later(30)
    page = drop(page, **{"mine.png": picture()})  # whoever drops something is there: the time begins anew
    mine = page.session_state["selected"]
    assert "mine.png" in queued(page)
    assert f"level-{mine[:12]}" in page.session_state
    later(89)
    page.run()
    gc.collect()
    assert "mine.png" in queued(page)
    assert alive("mine.png")
    for name in page.session_state["jobs"]:
        page.session_state[f"job-{name}"]._thread.join()

    later(91)
    page.run()
    gc.collect()
    assert title(page) == "**A**"
    assert queued(page) == ["shoulder_anatomic.dcm"]
    assert page.session_state["selected"] != mine
    assert f"level-{mine[:12]}" not in page.session_state
    assert not alive("mine.png")  # neither a cache nor anything else of the process holds its pixels
    assert alive("shoulder_anatomic.dcm")
    assert not page.file_uploader[0].value


def test_every_cache_of_a_visitor_is_forgotten() -> None:
    assert {cached._info.func.__name__ for cached in session.list_session_caches()} >= {
        "_read", "_thumbnail", "_predict", "_explain", "_once", "_region",
    }  # fmt: skip
    assert "_shared" not in {cached._info.func.__name__ for cached in session.list_session_caches()}


def test_conference_mode_can_be_left_and_entered(staged: Callable, later: Callable) -> None:
    page = staged().run()
    page = page.button(key="stage-shortcuts").click().run()
    leave = next(button for button in page.button if button.label == "Leave conference mode")
    page = leave.click().run()
    assert "stage-next" not in {button.key for button in page.button}
    page = next(button for button in page.button if button.label == "Conference mode").click().run()
    assert title(page) == "**A**"


def test_a_playlist_that_cannot_be_played_is_a_sentence(staged: Callable, written: Callable[[str], Path]) -> None:
    written('[[step]]\ntitle = "A"\npage = "implnat"')
    page = staged().run()
    assert not page.exception
    assert any("there is no page 'implnat'" in text.value.replace("\\", "") for text in page.markdown)

"""What one visitor has on the table, and every cache: the only module that touches `st.session_state` and `st.cache_*`.

Images and answers live in caches of the visitor's own session and go when it ends; nothing of a patient is ever in one
that sessions share. Their keys are (hash of the file, card, hashes of the weights, parameters): arrays are passed as
`_underscore` arguments, since Streamlit hashes only a sample of a large array
(docs.streamlit.io/develop/concepts/architecture/caching).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

import streamlit as st

import models
from dashboard import figures
from dashboard.jobs import Job
from models import Box, Card, Explanation, Image, OrthoLensError, Prediction, Segmentation
from models.io import slide as slides
from models.io.slide import Slide
from models.settings import settings
from models.trust.agreement import Reading

T = TypeVar("T")

QUEUE_FILES = 32
"""Files kept; the oldest go first. Their bytes together stay under `max_file_mb`."""

DECODED, ANSWERED = 3, 12
"""Images and answers kept ready; both can be large."""

JOBS = 8
"""Results of long work kept; the oldest go first."""


@dataclass(frozen=True)
class Item:
    """One file in the queue.

    Attributes
    ----------
    origin
        Where a case comes from ("Simulated", or an attribution); empty for a file of the visitor.
    task
        The page that the case belongs to; None: the visitor decides.
    """

    name: str
    data: bytes = field(repr=False)
    sha256: str
    origin: str = ""
    task: str | None = None


# The queue


def queue() -> tuple[Item, ...]:
    """Return the files of this session, the oldest first."""
    return tuple(_files().values())


def selected() -> Item | None:
    """Return the file that the pages look at."""
    return _files().get(st.session_state.get("selected", ""))


def add(name: str, data: bytes, *, origin: str = "", task: str | None = None) -> str:
    """Put a file at the end of the queue, let the oldest go where it is full, and return the file's sha256."""
    item = Item(name, data, hashlib.sha256(data).hexdigest(), origin, task)
    files = _files()
    files.pop(item.sha256, None)
    files[item.sha256] = item
    while len(files) > 1 and _overfull(files):
        files.pop(next(iter(files)))
    return item.sha256


def select(sha256: str) -> None:
    """Look at another file of the queue."""
    st.session_state["selected"] = sha256
    st.session_state["destination"] = _files()[sha256].task or st.session_state.get("visited")


def remove(sha256: str) -> None:
    """Take a file out of the queue; where it was the one looked at, its neighbour takes its place."""
    files = _files()
    before = list(files)
    files.pop(sha256)
    if st.session_state.get("selected") == sha256:
        place = before.index(sha256)
        st.session_state["selected"] = next(iter([*before[place + 1 :], *reversed(before[:place])]), "")


def uploader_key() -> str:
    """Return the key of an uploader that is empty: its files move to the queue as soon as they are in."""
    return f"uploader-{st.session_state.setdefault('uploads', 0)}"


def take_uploads() -> None:
    """Move the uploader's files into the queue and select the first of them."""
    arrived = [add(file.name, file.getvalue()) for file in st.session_state[uploader_key()]]
    st.session_state["uploads"] += 1
    select(next(sha256 for sha256 in arrived if sha256 in _files()))


def visit(task: str) -> None:
    """Remember the task's page as the one where the next file is answered."""
    st.session_state["visited"] = task
    st.session_state.pop("destination", None)


def destination(default: str) -> str | None:
    """Return, once, the task whose page the newly selected file belongs to; None where nothing was selected."""
    if "destination" not in st.session_state:
        return None
    return st.session_state.pop("destination") or default


def open_case(path: Path, task: str, origin: str) -> None:
    """Put a case of the gallery into the queue and go to its page."""
    select(add(path.name, path.read_bytes(), origin=origin, task=task))


def start(name: str, work: Callable[[Job[T]], T]) -> None:
    """Start long work under a name; work of that name that still runs is left alone."""
    running = job(name)
    if running is None or not running.running:
        st.session_state[f"job-{name}"] = Job(work)
        names = [old for old in st.session_state.get("jobs", ()) if old != name]
        for old in names[: 1 - JOBS]:
            st.session_state.pop(f"job-{old}").stop()
        st.session_state["jobs"] = [*names[1 - JOBS :], name]


def job(name: str) -> Job[Any] | None:
    """Return the long work of that name, running or done; None where none was started."""
    return st.session_state.get(f"job-{name}")


def put(key: str, value: Any) -> None:
    """Set a widget's value before it is drawn, or from a callback."""
    st.session_state[key] = value


def get(key: str, default: Any = None) -> Any:
    """Return the value of a widget."""
    return st.session_state.get(key, default)


def _files() -> dict[str, Item]:
    return st.session_state.setdefault("files", {})


def _overfull(files: dict[str, Item]) -> bool:
    return len(files) > QUEUE_FILES or sum(len(item.data) for item in files.values()) > settings().max_file_mb * 2**20


# Reading first


def commit(reading: Reading) -> None:
    """Keep what a reader committed to; its answer may be shown from now on."""
    _readings()[reading.sha256, reading.frame, reading.card] = reading


def reading(prediction: Prediction) -> Reading | None:
    """Return what the reader committed to before this answer was shown."""
    return _readings().get(_identity(prediction))


def readings() -> tuple[Reading, ...]:
    """Return every reading of this session, the oldest first."""
    return tuple(_readings().values())


def reveal(prediction: Prediction) -> None:
    """Remember that an answer is on the screen."""
    _seen().add(_identity(prediction))


def revealed(prediction: Prediction) -> bool:
    """Whether an answer was on the screen, or was committed to and may be."""
    return _identity(prediction) in _seen() or reading(prediction) is not None


def _identity(prediction: Prediction) -> tuple[str, int, str]:
    return prediction.sha256, prediction.frame, prediction.card


def _readings() -> dict[tuple[str, int, str], Reading]:
    return st.session_state.setdefault("readings", {})


def _seen() -> set[tuple[str, int, str]]:
    return st.session_state.setdefault("seen", set())


# Images and answers


def read(item: Item) -> Image:
    """Return a file as an image, decoded once.

    Raises
    ------
    InputError
        As `models.read`.
    """
    return _raised(_read(item, item.sha256))


def thumbnail(item: Item) -> bytes | None:
    """Return a small square PNG of a file's first frame; None where it cannot be read."""
    return _thumbnail(item, item.sha256)


def predict(image: Image, card: Card, frame: int = 0) -> Prediction:
    """Return the card's answer on a frame with the Grad-CAM of that answer, both from one pass.

    Raises
    ------
    ModelError
        As `models.predict`.
    """
    return _raised(_predict(image, image.sha256, card.id, weights(card), frame))


def explain(image: Image, card: Card, *, method: str, label: str, frame: int, stage: str) -> Explanation:
    """Return why the card gives a label its probability.

    Raises
    ------
    ModelError
        As `models.explain`.
    """
    return _raised(_explain(image, image.sha256, card.id, weights(card), (method, label, frame, stage)))


def crops(image: Image, card: Card) -> tuple[Box, ...]:
    """Return the parts of a film that look like what the card was made for.

    Raises
    ------
    ModelError
        As `models.crops`.
    """
    return _raised(_crops(image, image.sha256, card.id, weights(card)))


def segment(image: Image, card: Card, frame: int = 0) -> Segmentation:
    """Return the card's classes for every pixel of a frame.

    Raises
    ------
    ModelError
        As `models.predict`.
    """
    done = job(segmenting(image, card))
    if done and done.result and frame == 0:
        return done.result
    answer = once(
        lambda: models.predict(image, card.id, frame=frame), "segment", image.sha256, card.id, *weights(card), frame
    )
    assert isinstance(answer, Segmentation)  # by the card's task
    return answer


def segmenting(image: Image, card: Card) -> str:
    """Return the name of the job that segments a large image."""
    return f"segment-{image.sha256}-{card.id}"


def slide(item: Item) -> Slide | None:
    """Return a file as a slide; None where it is read as a whole.

    Raises
    ------
    InputError
        As `models.io.slide.slide`.
    """
    return once(lambda: slides.slide(item.data, item.name), "slide", item.sha256)


def region(item: Item, level: int, box: Box) -> Image:
    """Return a part of a slide at one of its levels.

    Raises
    ------
    InputError
        As `models.io.slide.region`.
    """
    return _raised(_region(item, item.sha256, level, (box.row, box.column, box.height, box.width)))


def once(work: Callable[[], T], *key: str | float) -> T:
    """Return what `work` returns, done once a session for each key; the key names every input, images by their hash.

    Raises
    ------
    OrthoLensError
        The one that the work raised.
    """
    return _raised(_once(work, key))


def shared(work: Callable[[], T], *key: str | float) -> T:
    """Return what `work` returns, done once a process for each key: for what is simulated, and no patient's."""
    return _shared(work, key)


@st.cache_resource(max_entries=2, show_spinner="Simulating the sequence…")
def _shared(_work: Callable[[], T], key: tuple[str | float, ...]) -> T:
    return _work()


@st.cache_resource(show_spinner=False)
def warm_up() -> Thread:
    """Load the models of a process beside the first page that it draws; one thread a process."""
    thread = Thread(target=_load_models, name="warm-up", daemon=True)
    thread.start()
    return thread


def _load_models() -> None:
    from models.serving.engine import engine

    for card in models.cards().values():
        if card.members:
            try:
                engine().loaded(card)
            except OrthoLensError:
                return  # the page that needs the model says what is wrong with it


@st.cache_data(max_entries=64, show_spinner="Drawing the cases…")
def exhibit(path: str) -> bytes:
    """Return a picture of a case of the gallery as PNG: the one image that sessions share, since it is no patient's."""
    return figures.thumbnail(models.read(path), 480)


@st.cache_resource(scope="session", max_entries=DECODED, show_spinner="Reading the image…")
def _read(_item: Item, sha256: str) -> Image | OrthoLensError:
    return _kept(lambda: models.read(_item.data, _item.name))


@st.cache_resource(scope="session", max_entries=QUEUE_FILES, show_spinner=False)
def _thumbnail(_item: Item, sha256: str) -> bytes | None:
    image = _read(_item, sha256)
    return None if isinstance(image, OrthoLensError) else figures.thumbnail(image)


@st.cache_resource(scope="session", max_entries=ANSWERED, show_spinner="Looking at the image…")
def _predict(
    _image: Image, sha256: str, card_id: str, weights: tuple[str, ...], frame: int
) -> Prediction | OrthoLensError:
    return _kept(lambda: models.predict(_image, card_id, frame=frame, explain="grad-cam"))


@st.cache_resource(scope="session", max_entries=ANSWERED, show_spinner="Explaining the answer…")
def _explain(
    _image: Image, sha256: str, card_id: str, weights: tuple[str, ...], asked: tuple[str, str, int, str]
) -> Explanation | OrthoLensError:
    method, label, frame, stage = asked
    return _kept(lambda: models.explain(_image, card_id, method, label=label, frame=frame, stage=stage))


@st.cache_resource(scope="session", max_entries=ANSWERED, show_spinner="Searching the film…")
def _crops(_image: Image, sha256: str, card_id: str, weights: tuple[str, ...]) -> tuple[Box, ...] | OrthoLensError:
    return _kept(lambda: models.crops(_image, card_id))


@st.cache_resource(scope="session", max_entries=1, show_spinner="Reading the region…")
def _region(_item: Item, sha256: str, level: int, part: tuple[int, int, int, int]) -> Image | OrthoLensError:
    return _kept(lambda: slides.region(_item.data, level, Box(*part), _item.name))


@st.cache_resource(scope="session", max_entries=2 * ANSWERED, show_spinner="Looking at the image…")
def _once(_work: Callable[[], T], key: tuple[str | float, ...]) -> T | OrthoLensError:
    return _kept(_work)


def _kept(work: Callable[[], T]) -> T | OrthoLensError:
    """Return an error as a value, so that a bad file is not read again at every interaction."""
    try:
        return work()
    except OrthoLensError as error:
        return error


def _raised(outcome: T | OrthoLensError) -> T:
    if isinstance(outcome, OrthoLensError):
        raise outcome
    return outcome


def weights(card: Card) -> tuple[str, ...]:
    """Return what names a card's weights in a key."""
    return tuple(member.sha256 for member in card.members)

"""Every card of the product, and cards that are wrong in each way."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from models import card, cards, cards_of
from models.cards import CARDS_DIR, WEIGHTS_DIR, Card, find_base_id, load_card
from models.cards.figures import check_figures
from models.errors import BadCard, UnknownCard
from models.trust import image_kinds

LARGEST = 16 * 2**20


@pytest.fixture(params=cards().values(), ids=lambda card: card.id)
def every(request: pytest.FixtureRequest) -> Card:
    return request.param


def test_there_is_a_card() -> None:
    assert cards()


def test_weights_are_those_named_and_small_enough_for_git(every: Card) -> None:
    for part in (*every.members, *([every.ood] if every.ood else [])):
        data = (WEIGHTS_DIR / part.file).read_bytes()
        assert hashlib.sha256(data).hexdigest() == part.sha256
        assert len(data) <= LARGEST


def test_every_weights_file_belongs_to_a_card_or_to_the_look_they_share() -> None:
    named = {part.file for c in cards().values() for part in (*c.members, *([c.ood] if c.ood else []))}
    assert {path.name for path in WEIGHTS_DIR.glob("*.safetensors")} == named | {image_kinds.FILE}
    assert (
        hashlib.sha256((WEIGHTS_DIR / image_kinds.FILE).read_bytes()).hexdigest()
        == image_kinds.record_image_kinds()["sha256"]
    )


def test_labels_differ_and_each_has_its_output(every: Card) -> None:
    assert len(set(every.keys)) == len(every.labels)
    assert [every.index(key) for key in every.keys] == list(range(len(every.labels)))


def test_its_task_its_net_and_its_stage_exist(every: Card) -> None:
    from models.tasks import task_of

    assert task_of(every.task).name == every.task
    assert every.net.stage in task_of(every.task).build(every).stages


def test_figures_are_json(every: Card) -> None:
    json.dumps(dict(every.figures), allow_nan=False)


def test_every_figures_file_belongs_to_a_card() -> None:
    assert {path.name.removesuffix(".figures.json") for path in CARDS_DIR.glob("*.figures.json")} <= set(cards())


def test_found_by_id_and_by_task(every: Card) -> None:
    assert card(every.id) == every
    assert every in cards_of(every.task)


@pytest.mark.parametrize("find", [card, cards_of])
def test_unknown_names_list_the_known(find: object) -> None:
    with pytest.raises(UnknownCard, match=r"no-such.*Choose one of .*implant"):
        find("no-such")  # type: ignore[operator]


def test_unknown_label_lists_the_known(every: Card) -> None:
    with pytest.raises(UnknownCard, match=every.keys[0]):
        every.index("no-such")


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('title = "A model for tests"', "", "title"),
        ('title = "A model for tests"', 'title = ""', "title"),
        ('title = "A model for tests"', 'title = "A"\ncolour = "red"', "colour"),
        ("size = [64, 64]", "size = [64]", r"input\.size\.1"),
        ("members = []", 'members = [{ file = "a.safetensors", sha256 = "12" }]', r"members\.0\.sha256"),
        ('name = "mobilenet_v2"', "dropout = 0.1", "net.name"),
        ('id = "good"', 'id = "Not good"', "id"),
        ("n = 0", 'n = "many"', "data.n"),
        ("[use]", "calibration = { temperature = 0, n = 5 }\n[use]", "calibration.temperature"),
        ("[use]", "conformal = { coverages = [0.9], quantiles = [], n = 5 }\n[use]", "conformal"),
    ],
)
def test_a_wrong_card_names_its_field(old: str, new: str, field: str, card_text: str, tmp_path: Path) -> None:
    path = tmp_path / "good.toml"
    assert old in card_text
    path.write_text(card_text.replace(old, new))
    with pytest.raises(BadCard, match=rf"^good\.toml: {field}: "):
        load_card(path)


def test_the_card_they_are_made_from_is_good(card_text: str, tmp_path: Path) -> None:
    path = tmp_path / "good.toml"
    path.write_text(card_text)
    assert load_card(path).keys == ("Cofield", "Depuy", "Zimmer")


@pytest.mark.parametrize("content", [b"title = ", b"\xff\xfe\x00"])
def test_not_toml(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "good.toml"
    path.write_bytes(content)
    with pytest.raises(BadCard, match=r"good\.toml: not a TOML file"):
        load_card(path)


def test_file_and_id_agree(card_text: str, tmp_path: Path) -> None:
    path = tmp_path / "other.toml"
    path.write_text(card_text)
    with pytest.raises(BadCard, match="Call the file good"):
        load_card(path)


def test_an_alternative_is_known_by_the_end_of_its_id() -> None:
    assert [find_base_id(id) for id in ("knee-mri-bone", "knee-mri-bone-hrnet", "hrnet-knee")] == [
        "knee-mri-bone",
        "knee-mri-bone",
        "hrnet-knee",
    ]
    assert {card.base_id for card in cards().values()} <= set(cards())


def test_the_figures_of_every_card_are_of_the_form_that_others_are_held_to() -> None:
    for one in cards().values():
        check_figures(one)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is no table of figures"),
        ("[1]", "is no table of figures"),
        ('{"how": 5}', "how: Input should be a valid string"),
        ('{"trials": {"one": {"n": "many"}}}', "how: Field required"),
    ],
)
def test_figures_that_cannot_be_drawn_are_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "knee-kl.toml").write_text((CARDS_DIR / "knee-kl.toml").read_text())
    found = load_card(tmp_path / "knee-kl.toml", outside=True)
    check_figures(found)  # none are no fault
    (tmp_path / "knee-kl.figures.json").write_text(text)
    with pytest.raises(BadCard, match=words) as refused:
        check_figures(found)
    assert refused.value.file == "knee-kl.figures.json"


def test_figures_of_other_labels_are_refused(tmp_path: Path) -> None:
    (tmp_path / "knee-kl.toml").write_text((CARDS_DIR / "knee-kl.toml").read_text())
    (tmp_path / "knee-kl.figures.json").write_text((CARDS_DIR / "shoulder-implants.figures.json").read_text())
    with pytest.raises(BadCard, match="of other labels"):
        check_figures(load_card(tmp_path / "knee-kl.toml", outside=True))

"""Sets of a user's own with points: what is found, scaled and left out, what circles hold, a card made of one."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

import models
from dashboard.case.measures import POINT_MEASURES
from models.cards import card
from models.errors import BadCard, DamagedFile, UnknownCard
from models.io import read
from models.tasks import ood_set
from models.tasks import own as own_models
from models.tasks.landmarks import metrics, own
from models.tasks.landmarks.augmentation import draw_landmark_view
from models.tasks.landmarks.landmark_set import read_saved
from models.tasks.landmarks.metrics import calibrate_radii, hold_by_other_folds, list_share_metrics
from models.tasks.landmarks.predictor import Locator
from models.tasks.landmarks.reference import MOST_POINTS, parse_keypoints, parse_point_table
from models.tasks.landmarks.task import LandmarksTask, bring_points_to_source
from models.tasks.segmentation.augmentation import DenseAugmentation
from models.training.own_files import Source, UploadedFiles

HEADING = "image,point,x,y,group\n"


def quiet(step: str, share: float) -> None:
    assert 0 <= share <= 1


def png(rows: int = 60, columns: int = 40, seed: int = 0) -> bytes:
    out = io.BytesIO()
    Pillow.fromarray(np.random.default_rng(seed).integers(0, 255, (rows, columns), np.uint8)).save(out, "PNG")
    return out.getvalue()


def look(files: dict[str, bytes]) -> own.LandmarkLook:
    return own.look(UploadedFiles.unpacked(list(files.items())), quiet)


PICTURES = {f"images/{name}.png": png(seed=i) for i, name in enumerate("abcdef")}
POINTS = {"a": {"tip": (10, 30), "heel": (39.5, -0.5)}, "b": {"tip": (0, 59)}}


def table(rows: str = "") -> bytes:
    lines = [f"{image}.png,{point},{x},{y},p1" for image, of in POINTS.items() for point, (x, y) in of.items()]
    return (HEADING + "\n".join(lines) + "\n" + rows).encode()


def coco() -> dict[str, object]:
    flat = {image: [v for name in ("tip", "heel") for v in (*of.get(name, (0, 0)), 2 * (name in of))]
            for image, of in POINTS.items()}  # fmt: skip
    return {
        "images": [{"id": image, "file_name": f"{image}.png"} for image in POINTS],
        "annotations": [{"id": i, "image_id": image, "category_id": 7, "keypoints": of}
                        for i, (image, of) in enumerate(flat.items())],
        "categories": [{"id": 7, "name": "foot", "keypoints": ["tip", "heel"]}],
    }  # fmt: skip


def test_points_of_a_table_and_of_coco_are_the_same_and_scaled_with_their_picture(tmp_path: Path) -> None:
    some = {name: PICTURES[name] for name in ("images/a.png", "images/b.png")}
    for more in ({"points.csv": table()}, {"points.json": json.dumps(coco()).encode()}):
        seen = look({**some, **more})
        assert (seen.names, len(seen.pixels)) == (("tip", "heel"), 2)
        assert seen.counts() == {"tip": (2, 1 if "points.csv" in more else 2), "heel": (1, 1)}
        assert "The point heel is missing in 1 of 2 pictures" in list(seen.sentences())
        by = np.array([171 / 40, 256 / 60])  # the longer side fills the square, the shorter one lies in its middle
        tip = (np.array([10, 30]) + 0.5) * by - 0.5 + (42, 0)
        np.testing.assert_allclose(seen.points[0, 0], tip, atol=1e-3)
        placed = Locator(card("knee-landmarks"), torch.device("cpu")).task.frame(
            read(PICTURES["images/a.png"], "a.png"), card("knee-landmarks")
        )
        np.testing.assert_allclose(bring_points_to_source(seen.points[0, :1], placed)[0], [[10, 30]], atol=1e-3)
        assert np.isnan(seen.points[1, 1]).all()
        seen.save(tmp_path / "set.npz")
        kept = read_saved(tmp_path / "set.npz")
        assert (kept.names, kept.whole) == (seen.names, True)
        np.testing.assert_array_equal(kept.points, seen.points)
    assert "tip needs 13 more pictures (2 of 15)" in seen.too_little()


def test_what_cannot_be_used_is_left_out_with_its_reason() -> None:
    wrong = ("c.png,tip,40,5,\n" "d.png,tip,1,1,\nd.png,tip,2,2,\n" "e.png,tip,1,1,p2\ne.png,heel,1,1,p3\n"
             "gone.png,tip,1,1,\n")  # fmt: skip
    seen = look({**PICTURES, "points.csv": table(wrong)})
    assert sorted(seen.pictures.broken) == [
        "gone.png: cannot be opened",
        "images/c.png: its point tip lies outside the picture",
        "images/d.png: it has the point tip twice",
        "images/e.png: its lines name 2 groups",
        "images/f.png: there are no points of it",
    ]
    assert seen.pictures.names == ("images/a.png", "images/b.png")


def test_near_copies_whose_points_differ_are_named() -> None:
    rows = "image,point,x,y\na.png,tip,10,30\ng.png,tip,20,30\n"
    seen = look({"a.png": png(), "g.png": png(), "points.csv": rows.encode()})
    assert seen.pictures.copies == ((0, 1),)
    assert str(seen.differ(0, 1)) == "whose points lie up to 17% of the side apart"
    assert look({"a.png": png(), "g.png": png(), "p.csv": rows.replace("20", "10").encode()}).differ(0, 1) is None


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "there are no points"),
        ({"a.csv": table(), "b.csv": table()}, "2 files that might hold the points"),
        ({"a.csv": table(), "b.json": b"{}"}, "2 files that might hold the points"),
        ({"a.csv": table("c.png,tip,left,3,\n")}, "line 5 has no image, no point or no number"),
        ({"a.csv": table("c.png,tip\n")}, "line 5 has no image, no point or no number"),
        ({"a.csv": table(f"c.png,{'x' * 61},1,3,\n")}, "or longer than 60 letters"),
        ({"a.csv": table("".join(f"c.png,n{i},1,1,\n" for i in range(MOST_POINTS)))}, "102 names of points"),
        ({"a.json": b"["}, "no readable JSON"),
        ({"a.json": b"{}"}, "no keypoints as COCO keeps them"),
    ],
)
def test_files_of_points_that_are_none_are_refused(files: dict[str, bytes], words: str) -> None:
    with pytest.raises(DamagedFile, match=words):
        look({**PICTURES, **files})


def test_keypoints_that_do_not_fit_their_category_are_refused() -> None:
    odd = coco()
    odd["annotations"][0]["keypoints"] = [1, 2]  # type: ignore[index]
    with pytest.raises(DamagedFile, match="no keypoints"):
        parse_keypoints("a.json", json.dumps(odd).encode())
    twice = coco()
    twice["annotations"].append(twice["annotations"][0])  # type: ignore[attr-defined,index]
    assert str(parse_keypoints("a.json", json.dumps(twice).encode()).pictures["a.png"].wrong) == (
        "it has the point tip twice"
    )


def test_a_table_as_a_german_excel_writes_it_is_read() -> None:
    found = parse_point_table("p.csv", "image;point;x;y\na.png;tip;1,5;2,25\n")
    assert found.pictures["a.png"].points == {"tip": (1.5, 2.25)}
    assert str(parse_point_table("p.csv", "image,point,x,y\na.png,tip,nan,1\n").pictures["a.png"].wrong) == (
        "a point of it is no place"
    )


def test_circles_of_a_fold_come_from_the_other_folds() -> None:
    rng = np.random.default_rng(0)
    spread = rng.uniform(1, 3, (500, 4))
    error = spread * rng.exponential(1, (500, 4))
    fold = np.arange(500) % 5
    assert np.nanmean(hold_by_other_folds(error, spread, fold)) == pytest.approx(0.9, abs=0.03)
    error[fold == 0] *= 10  # what is far off in one fold alone does not widen the circles of that fold
    assert np.nanmean(hold_by_other_folds(error, spread, fold)[fold == 0]) < 0.4
    alone = error.copy()
    alone[fold != 1, 3] = np.nan  # nobody else knows this point
    inside = hold_by_other_folds(alone, spread, fold)
    assert np.isnan(inside[:, 3]).all()
    assert np.isfinite(inside[:, :3]).all()
    assert len(calibrate_radii(alone, spread).factors) == 4


def test_millimetres_are_told_where_every_picture_has_a_scale() -> None:
    share = np.array([[0.01, np.nan], [0.03, 0.02]])
    every = np.arange(2)
    found = list_share_metrics(share, share * 0 + 1, share * 100)
    assert [round(measure(every), 3) for measure in found.values()] == [0.02, 0.667, 1.0, 2.0]
    assert set(found) == {*POINT_MEASURES, "median point error mm"}  # each has its name on the screen
    assert "median point error mm" not in list_share_metrics(share, share, share * [[np.nan], [100]])


def test_a_view_as_high_as_its_picture_is_laid_about_the_middle_and_knows_missing_points() -> None:
    still = DenseAugmentation(rotation_deg=0, scale=0, shift=0, flip=False, contrast=0, brightness=0, gamma=0, noise=0)
    picture = torch.from_numpy(np.random.default_rng(0).integers(0, 255, (1, 64, 64), np.uint8))
    points = torch.tensor([[10.0, 5.0], [torch.nan, torch.nan]])
    for size, moved in (((64, 64), 0.0), ((32, 64), 32 / 2 - 0.5 - 5)):
        view, found, _ = draw_landmark_view(picture, points, size, still, torch.Generator())
        np.testing.assert_allclose(found[0], [10, 5 + moved], atol=1e-4)
        assert found[1].isnan().all()
        assert view.isfinite().all()


def test_only_a_model_that_learned_from_mirror_images_is_shown_one() -> None:
    chosen = card("knee-landmarks")
    own_flip = {**chosen.training, "augmentation": {**chosen.training["augmentation"], "flip": False}}
    torch.manual_seed(0)
    net = LandmarksTask(models.tasks.question_of("landmarks")).build(chosen).eval()
    x = torch.rand(1, 3, 64, 64)
    for training, same in ((chosen.training, False), (own_flip, True)):
        locator = Locator(chosen.model_copy(update={"training": training}), torch.device("cpu"), [net])
        assert torch.equal(locator.shares(x)[0], locator.shares(x, mirrored=False)[0]) == same


def draw_marked_picture(seed: int, side: int = 64) -> tuple[np.ndarray, dict[str, tuple[float, float]]]:
    """A faint cloud with a bright cross above and a bright disc below it, anywhere; and where they are."""
    rng = np.random.default_rng(seed)
    cloud = Pillow.fromarray(rng.integers(0, 90, (8, 8), np.uint8)).resize((side, side), Pillow.Resampling.BICUBIC)
    x, y = np.meshgrid(np.arange(side), np.arange(side))
    cross, disc = (float(rng.integers(12, side - 12)), 18.0), (float(rng.integers(12, side - 12)), 46.0)
    across, down = np.abs(x - cross[0]), np.abs(y - cross[1])
    drawn = ((across < 2) & (down < 7)) | ((down < 2) & (across < 7)) | (np.hypot(x - disc[0], y - disc[1]) < 5)
    return np.where(drawn, 250, np.asarray(cloud)).astype(np.uint8), {"cross": cross, "disc": disc}


def test_a_folder_of_points_becomes_a_card_that_places_them(
    tmp_path: Path, user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own, "SIDE", 64)
    monkeypatch.setattr(own, "STEPS", 24)
    monkeypatch.setattr(own_models, "FOLDS", 2)
    monkeypatch.setattr(metrics, "RESAMPLES", 50)
    monkeypatch.setattr(ood_set, "EACH", 4)
    mine, lines = tmp_path / "mine", [HEADING]
    (mine / "images").mkdir(parents=True)
    for i in range(20):
        pixels, points = draw_marked_picture(i)
        Pillow.fromarray(pixels).save(mine / "images" / f"{i}.png")
        lines += [f"{i}.png,{name},{x},{y},p{i // 2}\n" for name, (x, y) in points.items()]
    (mine / "points.csv").write_text("".join(lines))
    source = Source(folder=mine)
    seen = own_models.look_at_files("landmarks", source.files(), quiet)
    assert "imagenet" not in own_models.list_start_ids("landmarks")  # no HRNet of it is here
    with pytest.raises(UnknownCard, match="no start"):
        own_models.draft_card(own_models.Wish("landmarks", "Marks", start="imagenet"), seen)
    drafted = own_models.draft_card(own_models.Wish("landmarks", "Marks of mine"), seen, source)
    assert drafted.training["start"] == "knee-landmarks"
    made = own_models.train_own(drafted.id, quiet)
    measured = own_models.find_measured(made)
    assert (measured["n"], measured["groups"]) == (20, 10)
    found = {name: row["value"] for name, row in measured["metrics"].items()}
    assert found["median point error, of the longer side"] < 0.08  # 5 px; by chance it would be 20
    assert 0.7 <= found["90 % radii cover"] <= 1
    assert str(own_models.say_result(made)).startswith("Median point error, of the longer side ")
    assert made.locating is not None
    assert made.locating.n == 20
    pixels, points = draw_marked_picture(100)
    answer = models.predict(models.Image(pixels[None].astype(np.float32) / 255, name="", sha256="ab" * 32), made.id)
    assert answer.names == ("cross", "disc")
    assert np.isfinite(answer.radius_px).all()
    assert np.linalg.norm(answer.points - list(points.values()), axis=-1).max() < 12
    with pytest.raises(BadCard, match="already"):
        own_models.draft_card(own_models.Wish("landmarks", "Marks of mine"), seen)

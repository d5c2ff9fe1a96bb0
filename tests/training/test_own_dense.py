"""Sets of a user's own with masks or boxes, and what comes as an upload: what is found, paired, left out and kept."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from models.cards import card
from models.errors import BadCard, DamagedFile, DecoderFailed, TooLarge
from models.settings import settings
from models.tasks.classification import own as labels
from models.tasks.detection import own as boxes
from models.tasks.detection.dataset import read_saved as read_saved_boxes
from models.tasks.detection.metrics import Answered, calibrate_detections
from models.tasks.segmentation import own as masks
from models.tasks.segmentation.training import DenseRun, start_segmenter
from models.training.own_files import FolderFiles, Source, UploadedFiles, find_shared_folder

RNG = np.random.default_rng(3)


def quiet(step: str, share: float) -> None:
    assert 0 <= share <= 1


def png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Pillow.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def cloud(side: int = 32) -> np.ndarray:
    return RNG.integers(0, 255, (side, side), np.uint8)


def uploaded(files: dict[str, bytes]) -> UploadedFiles:
    return UploadedFiles.unpacked(list(files.items()))


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def test_the_folder_that_all_lie_in_is_taken_off() -> None:
    assert find_shared_folder(["set/a/x.png", "set/b/y.png"]) == "set"
    assert find_shared_folder(["home/set/a/x.png", "home/set/labels.csv"]) == "home/set"
    assert find_shared_folder(["a/x.png", "a/y.png"]) == ""
    assert find_shared_folder(["a/x.png", "y.png"]) == ""
    assert find_shared_folder([]) == ""


def test_a_zip_a_folder_and_a_table_beside_a_zip_are_one_set() -> None:
    files = {"set/a/x.png": png(cloud()), "set/b/y.png": png(cloud()), "__MACOSX/set/a/._x.png": b"?"}
    packed = uploaded({"mine.zip": zipped(files)})
    assert packed.names == uploaded(files).names == ("a/x.png", "b/y.png")
    assert labels.look(packed, quiet).labels == ("a", "b")
    table = b"file;label;group\nx.png;worn;p1\nb/y.png;new;p1\n"
    for given in (
        uploaded({"mine.zip": zipped(files), "table.csv": table}),
        uploaded({**files, "set/table.csv": table}),
    ):
        seen = labels.look(given, quiet)
        assert (seen.labels, seen.pictures.groups) == (("worn", "new"), ("p1", "p1"))


def test_uploads_that_are_too_large_empty_or_climb_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DamagedFile, match="nothing in it"):
        uploaded({"mine.zip": zipped({})})
    climbs = uploaded({"mine.zip": zipped({"a/x.png": png(cloud()), "b/../../y.png": png(cloud())})})
    assert climbs.names == ("x.png",) or climbs.names == ("a/x.png",)
    assert "leads out" in str(climbs.problems[0])
    monkeypatch.setenv("ORTHOLENS_MAX_FILE_MB", "1")
    settings.cache_clear()
    try:
        with pytest.raises(TooLarge, match="1 MB together"):
            uploaded({"a/x.png": bytes(700_000), "a/y.png": bytes(700_000)})
    finally:
        monkeypatch.undo()
        settings.cache_clear()


def test_a_pattern_is_tried_where_time_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = labels.look(uploaded({f"a/{'a' * 40}!.png": png(cloud()), "b/x.png": png(cloud())}), quiet)
    monkeypatch.setenv("ORTHOLENS_DECODE_SECONDS", "1")
    settings.cache_clear()
    try:
        with pytest.raises(DecoderFailed, match="stopped after 1 s"):
            seen.regrouped(r"^a/((?:a+)+)$")
    finally:
        monkeypatch.undo()
        settings.cache_clear()


def test_masks_find_their_pictures_classes_and_names(tmp_path: Path) -> None:
    mask = np.zeros((32, 32), np.uint8)
    mask[4:12, 4:12], mask[20:30, 20:30] = 1, 3
    files = {"images/p1_a.png": png(cloud()), "masks/p1_a_mask.png": png(mask)}
    files |= {"images/p1_b.png": png(cloud()), "masks/p1_b.png": png(mask[:16])}
    files |= {"images/p2_c.png": png(cloud()), "images/p3_d.png": png(cloud()), "masks/p3_d.png": png(mask)}
    files["classes.txt"] = b"background\nbone\ncartilage\n"
    seen = masks.look(uploaded(files), quiet).regrouped(r"(p\d)_")
    assert seen.pictures.names == ("images/p1_a.png", "images/p3_d.png")
    assert [str(one) for one in seen.pictures.broken] == [
        "images/p1_b.png: its mask is of another size", "images/p2_c.png: there is no mask of its name",
    ]  # fmt: skip
    assert (seen.classes, seen.keys, seen.numbered) == ((1, 3), ("bone", "cartilage"), False)
    assert seen.counts() == {"bone": (2, 2), "cartilage": (2, 2)}
    assert "bone needs 13 more pictures (2 of 15)" in seen.too_little()
    seen.save(tmp_path / "set.npz")
    kept = masks.read_saved(tmp_path / "set.npz")
    assert (kept.groups, kept.instances, len(kept)) == (("0", "1"), (), 2)
    assert np.array_equal(kept.masks[0], np.where(mask == 3, 2, mask))
    with pytest.raises(DamagedFile, match="no folder of masks"):
        masks.look(uploaded({"images/a.png": png(cloud())}), quiet)


def test_masks_that_number_objects_make_a_card_that_counts_them(tmp_path: Path) -> None:
    numbers = np.arange(1, 17, dtype=np.uint8).repeat(64).reshape(32, 32)
    numbers[:, ::4] = 0
    colour = np.stack([cloud(), cloud(), cloud()], 2)
    seen = masks.look(uploaded({"images/a.png": png(colour), "masks/a.png": png(numbers)}), quiet)
    assert seen.numbered
    assert seen.keys == ("object",)
    told = masks.describe_card(seen, True)
    assert (told["instances"], told["input"].tiled, told["input"].channels) == (True, True, "rgb")
    assert told["training"]["steps"] == masks.QUICK["steps"]
    seen.save(tmp_path / "set.npz")
    assert masks.read_saved(tmp_path / "set.npz").instances[0].max() == 16


def test_boxes_of_coco_and_yolo_are_the_same_and_scaled_with_their_picture(tmp_path: Path) -> None:
    pictures = {"images/a.png": png(cloud(64)), "images/b.png": png(cloud(64))}
    coco = {
        "images": [{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "b.png"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 7, "bbox": [16, 8, 32, 16]}],
        "categories": [{"id": 7, "name": "break"}],
    }
    yolo = {"labels/a.txt": b"0 0.5 0.25 0.5 0.25\n", "classes.txt": b"break\n"}
    for more in ({"annotations.json": json.dumps(coco).encode()}, yolo):
        seen = boxes.look(uploaded({**pictures, **more}), quiet)
        assert (seen.keys, [len(of) for of in seen.boxes]) == (("break",), [1, 0])
        assert np.allclose(seen.boxes[0], [[128 - 0.5, 64 - 0.5, 256, 128]])  # eight times as large
        assert seen.images[0].shape == (boxes.SIDE, boxes.SIDE)
        assert seen.counts() == {"break": (1, 1)}
        seen.save(tmp_path / "set.npz")
        kept = read_saved_boxes(tmp_path / "set.npz")
        assert np.allclose(kept.boxes[0], seen.boxes[0])
        assert [of.tolist() for of in kept.classes] == [[0], []]
    with pytest.raises(DamagedFile, match="no boxes"):
        boxes.look(uploaded(pictures), quiet)
    with pytest.raises(DamagedFile, match="2 files that might"):
        boxes.look(uploaded({**pictures, "a.json": b"{}", "b.json": b"{}"}), quiet)


def test_a_detector_that_learned_nothing_says_so() -> None:
    none, far = np.zeros((0, 4), np.float32), np.array([[0, 0, 4, 4]], np.float32)
    told = Answered([far, none], [np.array([0.9], np.float32), np.zeros(0, np.float32)], [far + 20, none],
                    np.arange(2))  # fmt: skip
    with pytest.raises(BadCard, match="learned nothing"):
        calibrate_detections(told)


def test_a_folder_is_listed_without_what_systems_put_there(tmp_path: Path) -> None:
    for name in ("set/a/x.png", "set/b/y.png", "set/.git/z.png", "set/b/Thumbs.db"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert Source(folder=tmp_path).files().names == FolderFiles.found(tmp_path / "set").names == ("a/x.png", "b/y.png")


def test_a_segmenter_starts_from_the_trunk_of_another_card() -> None:
    base = card("histology-nuclei")
    made = base.model_copy(update={"training": {**base.training, "start": "histology-nuclei"}})
    torch.manual_seed(0)
    net = start_segmenter(made, [], DenseRun("any", 0, Path("."), np.ones(1)))
    same = start_segmenter(made, [], DenseRun("any", 1, Path("."), np.ones(1)))
    first, second = net.state_dict(), same.state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first if key.startswith("stages.stage1"))
    assert not torch.equal(first["head.1.weight"], second["head.1.weight"])

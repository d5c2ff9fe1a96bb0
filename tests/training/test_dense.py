"""Training of networks that segment: views, losses, figures, and a run that goes on where it was stopped."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models.cards import Card
from models.tasks.segmentation import trials
from models.tasks.segmentation.augmentation import (
    DenseAugmentation,
    Samples,
    draw_segmentation_views,
    recolour_views,
    restain_views,
    turn_hues,
)
from models.tasks.segmentation.dataset import TRAIN, TUNING, DenseSet
from models.tasks.segmentation.metrics import compute_class_overlaps, score_objects, summarise_segmentation_metrics
from models.tasks.segmentation.training import (
    DenseRun,
    compute_dice_loss,
    compute_distance_maps,
    draw_segmentation_batch,
    fit_segmenter,
    prepare_segmentation_samples,
)
from models.training.folds import assign_grouped_folds
from models.training.views import Resident

STILL = DenseAugmentation(0.0, 0.0, 0.0, False, contrast=0.0, brightness=0.0, gamma=0.0, noise=0.0)


def quiet(step: str, share: float) -> None:
    assert step
    assert 0 <= share <= 1


@pytest.fixture
def discs() -> DenseSet:
    """Twelve pictures (40, 48) of a bright disc on dark, in four groups."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:40, :48]
    masks = [
        ((rows - rng.integers(12, 28)) ** 2 + (columns - rng.integers(12, 36)) ** 2 < 64).astype(np.uint8)
        for _ in range(12)
    ]
    pictures = tuple((40 + 150 * mask + rng.integers(0, 20, mask.shape)).astype(np.uint8) for mask in masks)
    return DenseSet(
        pictures=pictures,
        masks=tuple(masks),
        groups=tuple(f"g{i // 3}" for i in range(12)),
        splits=("",) * 12,
        instances=tuple(mask.astype(np.int32) for mask in masks),
    )


@pytest.fixture
def card(segmentation_card: Card) -> Card:
    training = {
        "steps": 40,
        "batch": 4,
        "view_size": (32, 32),
        "learning_rate": 0.02,
        "average": 0.8,
        "augmentation": {"rotation_deg": 20.0, "scale": 0.1},
    }
    changed = {
        "labels": [{"key": key, "name": key} for key in ("ground", "disc")],
        "instances": True,
        "input": {"size": (32, 32), "tiled": True},
        "net": {"name": "hrnet", "stage": "stage4", "shape": {"width": 4, "blocks": 1, "stride": 2}},
        "training": training,
    }
    return Card.model_validate({**segmentation_card.model_dump(), **changed})


def sample(picture: torch.Tensor, reference: torch.Tensor, height: torch.Tensor) -> Samples:
    """One picture as the sampler takes it."""
    of = [Resident.of([planes], torch.device("cpu")) for planes in (picture, reference[None], height[None])]
    return Samples(*of, outlined=[reference])


def test_a_view_without_change_is_the_picture_around_its_centre() -> None:
    rng = np.random.default_rng(0)
    picture = torch.from_numpy(rng.integers(0, 256, (3, 20, 30), np.uint8))
    reference = torch.from_numpy(rng.integers(0, 3, (20, 30), np.uint8))
    (seen,), (classes,), (height,) = draw_segmentation_views(
        sample(picture, reference, reference * 100), torch.tensor([0]), torch.tensor([[9.5, 12.5]]), (8, 6), STILL,
        torch.Generator().manual_seed(0),
    )  # fmt: skip
    torch.testing.assert_close(seen, picture[:, 6:14, 10:16].float() / 255, atol=1e-4, rtol=0)
    assert torch.equal(classes, reference[6:14, 10:16].long())
    torch.testing.assert_close(height, reference[6:14, 10:16] * 100 / 255, atol=1e-4, rtol=0)


def test_picture_and_truth_move_together() -> None:
    reference = torch.zeros(40, 40, dtype=torch.uint8)
    reference[5:30, 8:20] = 1
    how = replace(STILL, rotation_deg=180.0, scale=0.3, flip=True, elastic=0.05)
    which, centres = torch.zeros(8, dtype=torch.long), torch.tensor([[18.0, 14.0]]).expand(8, -1)
    seen, classes, heights = draw_segmentation_views(
        sample(reference[None] * 255, reference, reference * 255), which, centres, (24, 24), how, torch.Generator()
    )
    assert ((seen[:, 0] > 0.5).long() == classes).float().mean((1, 2)).min() > 0.98
    torch.testing.assert_close(heights.clamp_min(1e-4), seen[:, 0], atol=1e-4, rtol=0)
    assert len({float(view.mean()) for view in seen}) == 8  # no two alike


def test_stains_keep_white_white_and_darken_with_their_density() -> None:
    picture = torch.tensor([[1.0, 0.6], [1.0, 0.3], [1.0, 0.7]]).view(3, 1, 2)
    factor = torch.tensor([[1.0], [2.0]]).expand(2, 3)
    same, darker = restain_views(torch.stack([picture, picture]), factor, torch.zeros(2, 3))
    torch.testing.assert_close(same, picture, atol=1e-5, rtol=0)
    torch.testing.assert_close(darker, picture**2, atol=1e-4, rtol=0)  # twice the density is the light squared


def test_a_turn_of_colours_leaves_grey_and_three_thirds_are_a_circle() -> None:
    picture = torch.rand(3, 4, 5, generator=torch.Generator().manual_seed(0))
    grey = picture[:1].expand(3, -1, -1)
    turned, still = turn_hues(torch.stack([picture, grey]), torch.tensor([120.0, 77.0]).deg2rad())
    torch.testing.assert_close(turned, picture[[2, 0, 1]], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(still, grey, atol=1e-5, rtol=1e-4)


def test_a_grey_view_has_its_luminance_in_every_channel() -> None:
    picture = torch.rand(3, 4, 5, generator=torch.Generator().manual_seed(0))
    plain = DenseAugmentation(contrast=0, brightness=0, gamma=0, noise=0)
    coloured, grey = (
        recolour_views(picture[None], replace(plain, grey=share), torch.Generator().manual_seed(1))[0]
        for share in (0.0, 1.0)
    )
    torch.testing.assert_close(coloured, picture, atol=1e-4, rtol=0)
    luminance = 0.299 * picture[0] + 0.587 * picture[1] + 0.114 * picture[2]
    torch.testing.assert_close(grey, luminance.expand(3, -1, -1), atol=1e-4, rtol=0)


def test_dice_loss_is_none_for_the_truth_and_one_for_its_opposite() -> None:
    reference = torch.tensor([[[0, 1], [1, 0]]])
    sure = torch.nn.functional.one_hot(reference, 2).permute(0, 3, 1, 2).float() * 100
    assert compute_dice_loss(sure, reference) == pytest.approx(0, abs=1e-6)
    assert compute_dice_loss(sure.flip(1), reference) == pytest.approx(1, abs=1e-6)


def test_heights_rise_to_one_inside_each_object() -> None:
    instances = np.zeros((12, 20), np.int32)
    instances[2:9, 2:9] = 1
    instances[2:5, 9:20] = 7  # touches the first and the edge
    found = compute_distance_maps(instances)
    assert found[5, 5] == 1
    assert found[3, 12] == 1
    assert found[2, 2] == pytest.approx(0.25)
    assert not found[instances == 0].any()


def test_figures_of_one_picture_by_hand(card: Card) -> None:
    reference, mask = np.zeros((2, 4), np.uint8), np.zeros((2, 4), np.uint8)
    reference[0, :3], mask[0, 1:] = 1, 1  # 3 and 3 pixels, 2 in common
    found = compute_class_overlaps(mask, reference, card)
    assert found == {"dice disc": pytest.approx(4 / 6), "jaccard disc": pytest.approx(2 / 4)}
    nothing = compute_class_overlaps(np.zeros_like(mask), np.zeros_like(mask), card)
    assert np.isnan(nothing["dice disc"])


def test_aggregated_jaccard_by_hand() -> None:
    reference, found = np.zeros((3, 10), np.int32), np.zeros((3, 10), np.int32)
    reference[0, :4], reference[1, :4] = 1, 2
    found[0, 1:6], found[2, :3] = 5, 3  # 3 of 4 + 2 beyond; the second is missed; one is invented
    assert score_objects(found, reference) == pytest.approx(3 / (6 + 4 + 3))
    assert score_objects(reference, reference) == 1
    assert score_objects(np.zeros_like(reference), reference) == 0


def test_intervals_are_over_groups_not_pictures() -> None:
    values = {"dice": np.repeat([0.2, 0.8], 50)}
    of_groups = summarise_segmentation_metrics(values, np.repeat([0, 1], 50))
    alone = summarise_segmentation_metrics(values, np.arange(100))
    assert of_groups["metrics"]["dice"] == {
        "value": pytest.approx(0.5),
        "low": pytest.approx(0.2),
        "high": pytest.approx(0.8),
    }
    assert alone["metrics"]["dice"]["high"] - alone["metrics"]["dice"]["low"] < 0.15
    assert (of_groups["n"], of_groups["groups"]) == (100, 2)


def test_folds_keep_groups_together_and_fill_evenly(discs: DenseSet) -> None:
    fold = assign_grouped_folds(discs.groups, 2)
    assert sorted(np.bincount(fold)) == [6, 6]
    assert all(len(set(fold[np.array(discs.groups) == group])) == 1 for group in discs.groups)


def test_a_set_with_splits_is_trained_on_train_alone_and_folded_where_it_says_so(card: Card, discs: DenseSet) -> None:
    splits = (TRAIN,) * 6 + (TUNING,) * 2 + ("other knee",) * 4
    split = replace(discs, splits=splits, folded="other knee", shares=(1.0,) * 5 + (0.5,) * 7)
    tuning = card.model_copy(update={"training": {**card.training, "tuning_steps": 5}})
    found = trials.list_segmentation_trials(tuning, split, 5)
    assert [trial.name for trial in found] == ["other knee", *["other knee, in folds"] * 4]
    learned, first = found[0].run, found[0].run.start
    assert first is not None
    assert first.draw.tolist() == [1.0] * 5 + [0.5] + [0.0] * 6
    assert learned.draw[6:8].sum() == pytest.approx(learned.draw.sum() / 3)
    assert not learned.draw[8:].any()
    for trial in found[1:]:
        assert trial.run.start is not None
        assert trial.run.start.name == first.name
        assert trial.run.draw[trial.measured] == 0
        assert np.count_nonzero(trial.run.draw) == 11
    assert trials.plan_final_run(tuning, split, 5).draw.all()
    assert trials.list_segmentation_trials(card, split, 5)[0].run.draw.tolist() == first.draw.tolist()


def test_a_network_learns_to_paint_discs(card: Card, discs: DenseSet, tmp_path: Path) -> None:
    drawn = prepare_segmentation_samples(card, discs)
    run = DenseRun("all", 0, tmp_path, np.ones(len(discs)))
    from models.tasks.segmentation.predictor import Segmenter

    segmenter = Segmenter(card, torch.device("cpu"), [fit_segmenter(card, drawn, run, quiet)])
    figures = [trials.measure_picture(segmenter, discs, i) for i in range(3)]
    assert np.mean([found["dice disc"] for found in figures]) > 0.85
    assert all(found["aggregated jaccard"] > 0.7 for found in figures)


def test_a_stopped_run_ends_with_the_same_weights(
    card: Card, discs: DenseSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = card.model_copy(update={"training": {**card.training, "steps": 8}})
    monkeypatch.setattr("models.training.loop.KEEP", {"cpu": 4})
    drawn = prepare_segmentation_samples(short, discs)
    whole = fit_segmenter(short, drawn, DenseRun("run", 3, tmp_path / "whole", np.ones(12)), quiet)

    def stop(step: str, share: float) -> None:
        if share == 0.5:
            raise KeyboardInterrupt

    stopped = DenseRun("run", 3, tmp_path / "stopped", np.ones(12))
    with pytest.raises(KeyboardInterrupt):
        fit_segmenter(short, drawn, stopped, stop)
    resumed = fit_segmenter(short, drawn, stopped, quiet)
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[name], value)


def test_tuned_weights_lie_between_both_cycles_where_the_recipe_says_so(
    card: Card, discs: DenseSet, tmp_path: Path
) -> None:
    recipe = {**card.training, "steps": 4, "tuning_steps": 4}
    drawn = prepare_segmentation_samples(card, discs)
    first = DenseRun("first", 3, tmp_path, np.ones(12))
    run = DenseRun("second", 4, tmp_path, np.ones(12), start=first)

    def fitted(share: float) -> dict[str, torch.Tensor]:
        tuned = card.model_copy(update={"training": {**recipe, "tuned_share": share}})
        return fit_segmenter(tuned, drawn, run, quiet).state_dict()

    whole, half = fitted(1.0), fitted(0.5)
    begin = torch.load(first.finished, weights_only=True)
    torch.testing.assert_close(whole, torch.load(run.finished, weights_only=True))
    assert any(not torch.equal(whole[name], begin[name]) for name in whole)
    for name, value in half.items():
        if value.is_floating_point():
            torch.testing.assert_close(value, (whole[name] + begin[name]) / 2)


def test_a_batch_depends_on_its_step_alone(card: Card, discs: DenseSet, tmp_path: Path) -> None:
    drawn, run = prepare_segmentation_samples(card, discs), DenseRun("run", 3, tmp_path, np.eye(12)[4])
    first, again, other = (draw_segmentation_batch(card, drawn, run, step) for step in (7, 7, 8))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])
    assert first[0].shape == (4, 3, 32, 32)

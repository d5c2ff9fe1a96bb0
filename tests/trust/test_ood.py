from dataclasses import replace

import numpy as np
import pytest
import torch

from models.cards.tables import OodStatistics
from models.errors import BadCard
from models.nets import loading
from models.trust.ood import KEPT, OodDetector, compute_energy, fit_ood_statistics, load_ood_detector, pool_features
from models.trust.perturbations import perturb_picture

pytest.importorskip("sklearn")

RNG = np.random.default_rng(0)
MIX = np.diag(np.linspace(0.5, 3, 20)) @ np.linalg.qr(RNG.normal(size=(20, 20)))[0]  # correlated, of unequal scale


def drawn(n: int, shift: float = 0.0) -> np.ndarray:
    return (5 + RNG.normal(size=(n, 20)) @ MIX + shift).astype(np.float32)


@pytest.fixture(scope="module")
def ood_detector():
    fitted = fit_ood_statistics(drawn(2_000), RNG.normal(0, 3, (1_000, 4)).astype(np.float32))
    return replace(fitted, threshold=float(np.quantile(fitted.distance(drawn(1_000)), KEPT)))


def test_it_keeps_its_share_and_refuses_other_kinds(ood_detector) -> None:
    assert (ood_detector.distance(drawn(2_000)) <= ood_detector.threshold).mean() == pytest.approx(KEPT, abs=0.02)
    against_the_grain = drawn(500) + 6 * np.linalg.svd(MIX)[2][-1].astype(np.float32)  # small, but where little varies
    assert (ood_detector.distance(against_the_grain) > ood_detector.threshold).mean() > 0.95


def test_the_distance_is_mahalanobis(ood_detector) -> None:
    x = drawn(50)
    precision = np.linalg.inv(MIX.T @ MIX)
    exact = np.sqrt(np.einsum("ni,ij,nj->n", x - 5, precision, x - 5))
    np.testing.assert_allclose(ood_detector.distance(x), exact, rtol=0.1)


def test_the_verdict_says_what_it_missed_and_whether_the_energy_agrees(ood_detector) -> None:
    strong, weak = np.array([20.0, 0, 0, 0]), np.array([-9.0, -9, -9, -9])
    inside = ood_detector.judge(np.full(20, 5.0), weak, "a knee radiograph")
    assert (inside.outside, inside.reason) == (False, None)
    assert inside.ood_score < 1
    outside = ood_detector.judge(np.full(20, 90.0), strong, "a knee radiograph")
    assert (outside.outside, outside.reason) == (True, "this does not look like a knee radiograph")
    assert outside.ood_score > 1
    assert ood_detector.judge(np.full(20, 90.0), weak, "a knee radiograph").reason == (
        "this does not look like a knee radiograph, and the network's own answer is unusually weak"
    )


def test_energy_is_high_where_no_output_stands_out() -> None:
    np.testing.assert_allclose(compute_energy(np.array([[0.0, 0.0]])), [-np.log(2)])
    flat, peaked = compute_energy(np.array([[0.0, 0, 0], [10, 0, 0]]))
    assert flat > peaked


def test_pooled_features_are_of_the_two_stages_before_the_last() -> None:
    features = {name: torch.full((2, 3, 4, 4), float(i)) for i, name in enumerate(("a", "b", "c", "d"))}
    torch.testing.assert_close(pool_features(features), torch.tensor([[1.0] * 3 + [2.0] * 3] * 2))


def test_it_survives_the_trip_to_disk(ood_detector, model_of, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(loading, "WEIGHTS_DIR", tmp_path)
    sha256 = loading.write_tensors(dict(ood_detector.tensors), tmp_path / "ood.safetensors")
    card = model_of().card
    table = OodStatistics(file="ood.safetensors", sha256=sha256, threshold=ood_detector.threshold, kept=0.95, n=1_000)
    x = drawn(10)
    loaded = load_ood_detector(card.model_copy(update={"ood": table}))
    np.testing.assert_array_equal(loaded.distance(x), ood_detector.distance(x))
    with pytest.raises(BadCard, match="no out-of-distribution detector"):
        load_ood_detector(card)


def test_weather_is_mild_seeded_and_of_every_kind() -> None:
    grey = np.pad(np.full((60, 40), 0.7, np.float32), 20)
    seen = [perturb_picture(grey, np.random.default_rng(seed)) for seed in range(40)]
    np.testing.assert_array_equal(seen[0], perturb_picture(grey, np.random.default_rng(0)))
    for picture in seen:
        assert picture.dtype == np.float32
        assert 0 <= picture.min() <= picture.max() <= 1
        assert 0.1 < picture.mean() < 0.6
    assert len({picture.shape[0] > 200 for picture in seen}) == 2  # some were enlarged


@pytest.mark.parametrize(
    ("features", "logits", "score", "reason"),
    [
        ((3.0, 3.0), (0.0, 0.0), 1.0, None),  # (3 − 1) / 2 = 1, times 3, and (3 − 3) / 4: 3 long, the threshold
        ((3.1, 3.0), (9.0, 0.0), 1.05, "this does not look like a knee"),
        ((3.0, 11.0), (0.0, 0.0), 5 / 3, "this does not look like a knee, and the network's own answer is"),
        ((1.0, 3.0), (0.0, 0.0), 0.0, None),
    ],
)
def test_a_verdict_by_hand(
    features: tuple[float, float], logits: tuple[float, float], score: float, reason: str | None
) -> None:
    tensors = {
        "centre": torch.tensor([1.0, 3.0]), "scale": torch.tensor([2.0, 4.0]),
        "whiten": torch.tensor([[3.0, 0.0], [0.0, 2.0]]), "energy": torch.tensor(-1.0),
    }  # fmt: skip
    found = OodDetector(tensors, 3.0).judge(np.array(features), np.array(logits), "a knee")
    assert found.ood_score == pytest.approx(score)
    assert found.outside == (reason is not None)
    assert str(found.reason or "").startswith(reason or "")
    assert ("weak" in str(found.reason)) == ("own answer" in str(reason))

import numpy as np
import pytest

from models.errors import Cancelled, UnknownCard
from models.tasks.classification.audit import (
    CURVES,
    audit,
    estimate_audit_seconds,
    estimate_cost_of_map,
    prepare_audited_image,
    time_audit_pass,
)
from models.trust.methods import METHODS

METHODS_ON_TWO_STAGES = ("grad-cam", "hirescam", "occlusion")


def test_each_method_is_put_to_every_test(model_of, small_net, image) -> None:
    told: list[tuple[float, str]] = []
    found = audit(
        model_of(small_net(0)),
        image,
        METHODS_ON_TWO_STAGES,
        "1",
        progress=lambda share, words: told.append((share, words)),
    )
    assert found.target == "1"
    assert [finding.explanation.method for finding in found.findings] == list(METHODS_ON_TWO_STAGES)
    for finding in found.findings:
        assert finding.explanation.target == "1"
        assert [step.down_to for step in finding.cascade.steps] == ["head", "stage5", "stage4"]
        assert finding.curves.deletion.shape == found.random.deletion.shape
        assert 0 <= finding.on_metal <= 1
    np.testing.assert_allclose(found.agreement, found.agreement.T)
    np.testing.assert_allclose(np.diag(found.agreement), 1)
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, pytest.approx(1))
    assert {words.partition(":")[0] for _, words in told} >= {METHODS[key].name for key in METHODS_ON_TWO_STAGES}


def test_a_true_map_beats_a_random_one_and_falls_apart(model_of, corner_net, image) -> None:
    corner_net.head[1].weight.mul_(4)
    (finding,) = (found := audit(model_of(corner_net, labels=2), image, ["hirescam"], "0")).findings
    assert finding.curves.insertion_area > found.random.insertion_area
    assert finding.curves.deletion_area < found.random.deletion_area
    assert finding.cascade.falls_apart


def test_the_picture_of_the_network_gets_the_same_answer(model_of, small_net, image) -> None:
    model = model_of(small_net(0))
    picture = prepare_audited_image(model, image)
    assert picture.shape == (32, 64)
    np.testing.assert_allclose(
        model.answer(picture, stage="stage5")[0].logits, model.answer(image, stage="stage5")[0].logits, atol=1e-5
    )


def test_the_model_is_left_as_it_was(model_of, small_net, image) -> None:
    net = small_net(0)
    before = [parameter.clone() for parameter in net.parameters()]
    audit(model_of(net), image, ["guided-grad-cam", "gradient-shap"], "0")
    assert all((was == now).all() for was, now in zip(before, net.parameters(), strict=True))
    assert not [module for module in net.modules() if module._forward_hooks or module._backward_hooks]


def test_it_can_be_stopped(model_of, small_net, image) -> None:
    told: list[float] = []
    with pytest.raises(Cancelled):
        audit(
            model_of(small_net(0)), image, ["occlusion", "grad-cam"],
            progress=lambda share, _: told.append(share), cancelled=lambda: len(told) > 5,
        )  # fmt: skip
    assert told[-1] < 1


def test_unknown_methods_are_refused(model_of, small_net, image) -> None:
    with pytest.raises(UnknownCard, match="Choose one of"):
        audit(model_of(small_net(0)), image, ["magic", "grad-cam"])


def test_the_time_told_beforehand_is_the_pace_of_this_machine_times_the_cost(
    model_of, small_net, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = model_of(small_net(0), size=(64, 64), labels=3)
    assert time_audit_pass(model) > 0
    monkeypatch.setattr("models.tasks.classification.audit.time_audit_pass", lambda model: 0.5)
    maps = len(model.members[0].stages) + 2
    quick, slow = estimate_audit_seconds(model, ["grad-cam"]), estimate_audit_seconds(model, ["grad-cam", "occlusion"])
    assert quick == pytest.approx(0.5 * (maps * estimate_cost_of_map(METHODS["grad-cam"], (64, 64)) + 2 * CURVES))
    assert slow - quick == pytest.approx(0.5 * (maps * estimate_cost_of_map(METHODS["occlusion"], (64, 64)) + CURVES))
    assert (
        estimate_cost_of_map(METHODS["occlusion"], (320, 320))
        > 2 * estimate_cost_of_map(METHODS["occlusion"], (224, 224)) * 0.9
    )

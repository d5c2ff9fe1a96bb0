import numpy as np
import pytest
import torch
from captum.attr import LayerGradCam
from torch import nn

from models.errors import Cancelled, UnknownCard
from models.nets.mobilenet import StagedMobileNetV2
from models.nets.stages import list_stages
from models.tasks.classification.explanation import (
    METHODS,
    ProgressToken,
    compute_class_activation,
    explain_classification,
    find_method,
    guide_rectifiers,
)
from models.trust.methods import is_same_map
from models.types import Image

EVERY = sorted(METHODS)


def hooks(net: nn.Module) -> int:
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return sum(len(getattr(module, kind)) for module in net.modules() for kind in kinds)


def state(net: nn.Module) -> tuple[object, ...]:
    return (
        hooks(net),
        [module.training for module in net.modules()],
        [(p.requires_grad, p.grad is None, p.sum().item()) for p in net.parameters()],
    )


def by_hand(two_stages: type[StagedMobileNetV2]) -> tuple[StagedMobileNetV2, Image]:
    """A network of two 1 × 1 convolutions, with numbers that a person can follow."""
    first, second = nn.Conv2d(3, 2, 1, bias=False), nn.Conv2d(2, 2, 1, bias=False)
    first.weight.data = torch.tensor([[1.0, 0, 0], [-2, 0, 0]])[..., None, None]
    second.weight.data = torch.tensor([[1.0, 0.5], [-1, 1]])[..., None, None]
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 2, bias=False))
    head[2].weight.data = torch.tensor([[3.0, -1.0], [1.0, 1.0]])
    net = two_stages(first, nn.Sequential(second, nn.ReLU(inplace=True)), head).eval().requires_grad_(False)
    pixels = np.array([[[0.0, 0.25], [0.75, 1.0]]], np.float32)  # the network sees x = −1, −0.5, 0.5, 1
    return net, Image(pixels, name="a.png", sha256="0" * 64)


def test_grad_cam_and_hirescam_equal_the_numbers_by_hand(model_of, two_stages) -> None:
    net, picture = by_hand(two_stages)
    model = model_of(net, size=(2, 2), labels=2)
    # Stage 4: A = (x, −2x). Before the ReLU, stage 5: B = (x − x, −x − 2x) = (0, −3x): channel 1 is open where x < 0.
    # Output 0 = mean(3·relu(B0) − relu(B1)). dB1/dA = (−1, 1), so dy/dA = (1, −1)/4 where x < 0, 0 elsewhere.
    # Grad-CAM weights: the means (1/8, −1/8), map = x/8 + 2x/8 = 3x/8 = (−3, −1.5, 1.5, 3)/8 → scaled by 3/8.
    cam = explain_classification(model, picture, METHODS["grad-cam"], 0, stage="stage4")
    np.testing.assert_allclose(cam.heat, [[-1, -0.5], [0.5, 1]], atol=1e-6)
    # HiResCAM: gradient × activation where each stands: (x + 2x)/4 where x < 0 = (−3, −1.5, 0, 0)/4 → scaled by 3/4.
    hires = explain_classification(model, picture, METHODS["hirescam"], 0, stage="stage4")
    np.testing.assert_allclose(hires.heat, [[-1, -0.5], [0, 0]], atol=1e-6)
    assert (cam.method, cam.layer, cam.target) == ("grad-cam", "stage4", "0")


def test_at_the_last_stage_grad_cam_and_hirescam_are_one_map(model_of, small_net) -> None:
    model = model_of(small_net(0), size=(64, 64), labels=3)
    picture = Image(np.random.default_rng(0).random((1, 64, 64), np.float32), name="", sha256="")
    stages = list_stages(model.card)
    for stage in ("stage4", "stage5"):
        cam, hires = (
            explain_classification(model, picture, METHODS[key], 1, stage=stage).heat
            for key in ("grad-cam", "hirescam")
        )
        assert np.allclose(cam, hires, atol=1e-4) == is_same_map(model.card, stage) == (stage == stages[-1])


def test_grad_cam_in_closed_form_is_that_of_captum(small_net) -> None:
    net, x = small_net(0), torch.randn(1, 3, 96, 64, generator=torch.manual_seed(0))

    def over_mean(x: torch.Tensor) -> torch.Tensor:
        logits = net(x)
        return logits - logits.mean(1, keepdim=True)

    for target in range(3):
        by_captum = LayerGradCam(over_mean, net.stages["stage5"]).attribute(x.requires_grad_(), target=target)
        ours = compute_class_activation(net, target, net.trunk(x))
        assert by_captum.abs().max() > 1e-4
        torch.testing.assert_close(ours, by_captum.detach(), atol=1e-9, rtol=1e-5)


def test_features_of_the_answer_give_the_same_map(model_of, small_net, image) -> None:
    model = model_of(small_net(0), small_net(1))
    _, features = model.answer(image, stage="stage4")
    for key in ("grad-cam", "hirescam"):
        alone = explain_classification(model, image, METHODS[key], 1, stage="stage4")
        shared = explain_classification(model, image, METHODS[key], 1, stage="stage4", features=features)
        np.testing.assert_array_equal(alone.heat, shared.heat)


@pytest.mark.parametrize("stage", ["stage4", "stage5"])
@pytest.mark.parametrize("key", EVERY)
def test_what_all_labels_share_has_no_place_in_the_map(key, stage, model_of, small_net, image) -> None:
    plain, moved = small_net(0), small_net(0)
    moved.head[-1].weight.data += torch.linspace(-1, 1, moved.head[-1].weight.shape[1])
    moved.head[-1].bias.data += 3
    x = torch.zeros(1, 3, 64, 64)
    torch.testing.assert_close(plain(x).softmax(1), moved(x).softmax(1))  # the same answer by other weights
    one, two = (explain_classification(model_of(net), image, METHODS[key], 1, stage=stage) for net in (plain, moved))
    np.testing.assert_allclose(one.heat, two.heat, atol=2e-3)


@pytest.mark.parametrize("key", EVERY)
def test_an_ensemble_of_twins_explains_as_one(key, model_of, small_net, image) -> None:
    one = explain_classification(model_of(small_net(0)), image, METHODS[key], 1)
    two = explain_classification(model_of(small_net(0), small_net(0)), image, METHODS[key], 1)
    np.testing.assert_allclose(one.heat, two.heat, atol=1e-5)


@pytest.mark.parametrize("key", EVERY)
def test_heat_is_signed_and_lies_where_the_network_looks(key, model_of, corner_net, image) -> None:
    model = model_of(corner_net, labels=2)
    speaks_for, speaks_against = (explain_classification(model, image, METHODS[key], target).heat for target in (0, 1))
    assert speaks_for.shape == image.shape
    assert np.abs(speaks_for).max() == pytest.approx(1, abs=1e-3)
    if key in ("grad-cam", "guided-grad-cam"):
        return  # these average the gradient over the picture: where it looks is lost at this stage, by definition
    corner = speaks_for[:24, :24]  # input rows 16 to 31 are source rows 5 to 25, columns 0 to 15 are 0 to 20
    if key == "occlusion":
        corner = speaks_for[:, :60]  # a patch is half the input
    assert np.abs(corner).sum() > 0.95 * np.abs(speaks_for).sum()
    assert corner.sum() > 0
    np.testing.assert_allclose(speaks_against, -speaks_for, atol=1e-5)


@pytest.mark.parametrize("key", EVERY)
def test_the_network_is_left_as_it_was(key, model_of, small_net, image) -> None:
    net = small_net(0)
    net.stages["stage4"].train()  # an odd mode must come back too
    before = state(net)
    model = model_of(net)
    explain_classification(model, image, METHODS[key], 2)
    assert state(net) == before
    with pytest.raises(UnknownCard, match="no output 7"):
        explain_classification(model, image, METHODS[key], 7)
    with pytest.raises(Cancelled):
        explain_classification(model, image, METHODS[key], 0, cancelled=lambda: True)
    assert state(net) == before


@pytest.mark.parametrize("key", EVERY)
def test_the_network_is_left_as_it_was_after_a_failure_inside(key, model_of, small_net, image) -> None:
    net = small_net(0)
    before = state(net)

    def fails(*_: object) -> None:
        raise RuntimeError("broken")

    model = model_of(net)
    breaking = net.head[3].register_forward_hook(fails)
    with pytest.raises(RuntimeError, match="broken"):
        explain_classification(
            model, image, METHODS[key], 0, stage="stage4"
        )  # at the last stage Grad-CAM runs nothing that can fail
    breaking.remove()
    assert state(net) == before


@pytest.mark.parametrize("key", [key for key in EVERY if METHODS[key].slow])
def test_slow_methods_tell_how_far_they_are_and_can_be_stopped(key, model_of, small_net, image) -> None:
    model, told = model_of(small_net(0), small_net(1)), []
    explain_classification(model, image, METHODS[key], 0, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1
    assert len(told) >= 4
    told.clear()
    with pytest.raises(Cancelled):
        explain_classification(model, image, METHODS[key], 0, progress=told.append, cancelled=lambda: len(told) == 3)
    assert len(told) == 3


def test_gradient_shap_is_repeatable_and_keeps_the_global_generators(model_of, small_net, image) -> None:
    model = model_of(small_net(0))
    before = torch.random.get_rng_state()
    first, second = (explain_classification(model, image, METHODS["gradient-shap"], 0).heat for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert torch.equal(before, torch.random.get_rng_state())


class _Guided(torch.autograd.Function):
    """ReLU6 with guided gradient, by the definition (Springenberg et al. 2015, arXiv:1412.6806)."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(0, 6)

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return gradient.clamp_min(0) * ((x > 0) & (x < 6))


class _GuidedReLU6(nn.Module):
    def forward(self, x):
        return _Guided.apply(x)


def test_guided_backpropagation_passes_every_rectifier_of_a_mobilenet() -> None:
    from captum.attr import GuidedBackprop

    torch.manual_seed(0)
    net = StagedMobileNetV2(2).eval().requires_grad_(False)
    x = torch.randn(1, 3, 64, 64)
    twin, reference = guide_rectifiers(net), guide_rectifiers(net)
    assert torch.equal(twin(x), net(x))
    for parent in list(reference.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.Sequential) and [type(part) for part in child] == [nn.ReLU, nn.ReLU6]:
                setattr(parent, name, _GuidedReLU6())
    with pytest.warns(UserWarning, match="backward hooks"):
        ours = GuidedBackprop(twin).attribute(x.clone().requires_grad_(), target=1)
    by_definition = x.clone().requires_grad_()
    reference(by_definition)[0, 1].backward()
    torch.testing.assert_close(ours, by_definition.grad)


def test_unknown_names_list_the_known(model_of, small_net, image) -> None:
    with pytest.raises(UnknownCard, match="grad-cam, hirescam"):
        find_method("magic")
    with pytest.raises(UnknownCard, match="stage4, stage5"):
        explain_classification(model_of(small_net(0)), image, METHODS["grad-cam"], 0, stage="stage9")


def test_a_watch_never_tells_more_than_all() -> None:
    told = []
    watch = ProgressToken(1, told.append)
    watch.step()
    watch.step()
    assert told == [1, 1]

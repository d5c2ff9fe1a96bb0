"""The trust panel: sets that grow with the coverage, grades, the OOD detector and the picture's quality, in words."""

from __future__ import annotations

import numpy as np
from streamlit.testing.v1 import AppTest

from dashboard.case import trust_figures
from models.tasks.classification.robustness import Perturbation


def panel() -> None:
    import numpy as np

    import models
    from dashboard.views.classification import trust
    from models import Classification, Image
    from models.cards.tables import Conformal

    knee = models.card("knee-kl").model_copy(
        update={"conformal": Conformal(coverages=(0.8, 0.99), quantiles=(0.1, 0.95), n=100)}
    )
    image = Image(np.random.default_rng(0).random((1, 64, 64), np.float32), name="a.png", sha256="0" * 64)
    answer = Classification(
        task="pathology", card=knee.id, sha256=image.sha256, seconds=0.1, labels=knee.keys,
        probabilities=np.array([0.05, 0.1, 0.6, 0.2, 0.05], np.float32), ood_score=0.7,
    )  # fmt: skip
    trust.show_trust(answer, image, knee)


def texts(page: AppTest) -> str:
    return "\n".join(element.value for element in (*page.markdown, *page.caption))


def test_the_panel_says_how_far_to_trust() -> None:
    page = AppTest.from_function(panel, default_timeout=120).run()
    assert not page.exception
    assert [metric.value for metric in page.metric] == ["2.1", "85.0 %"]
    said = texts(page)
    for words in ("OOD score 0.70", "Low resolution", "does not state the side", "Definite osteophytes"):
        assert words in said
    page.slider(key="coverage").set_value(80).run()
    few = texts(page).count("-badge")
    page.slider(key="coverage").set_value(99).run()
    assert texts(page).count("-badge") > few


def test_a_change_that_flips_the_answer_stands_out() -> None:
    same, flipped = Perturbation("As it is", np.array([0.6, 0.4])), Perturbation("Noise", np.array([0.3, 0.7]))
    fig = trust_figures.draw_robustness_strip([same, flipped], 0)
    assert list(fig.data[1].x) == [0.6, 0.3]
    assert len(set(fig.data[1].marker.color)) == 2
    assert any("changes" in note.text for note in fig.layout.annotations)


def test_the_gauge_ends_where_it_ends() -> None:
    assert trust_figures.draw_ood_gauge(50).data[1].x[0] == trust_figures.WIDEST
    assert (
        trust_figures.draw_ood_gauge(0.5).data[1].marker.color != trust_figures.draw_ood_gauge(1.5).data[1].marker.color
    )

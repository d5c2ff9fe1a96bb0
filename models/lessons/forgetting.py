"""The heat map of a network beside that of the same network with random weights; see `sanity`."""

from __future__ import annotations

from models.cards import card
from models.predictors.engine import engine
from models.tasks.classification.predictor import Classifier
from models.tasks.classification.sanity import Cascade, randomise_in_cascade
from models.trust.methods import METHODS
from models.types import Image


def explain_while_forgetting(image: Image, card_id: str, frame: int = 0) -> tuple[str, Cascade]:
    """Explain a classifier's own answer by Grad-CAM while it forgets, from the head down.

    Returns
    -------
    str
        Key of the label that is explained.
    Cascade
        The map of the trained network, and of each more random one.

    Raises
    ------
    BadWeights, UnknownCard
        As `models.predictors.engine.Engine.model`.
    """
    model = engine().load(card(card_id), Classifier)
    answer, _ = model.answer(image, frame)
    target = model.task.target(model.card, None, answer)
    return model.card.keys[target], randomise_in_cascade(model, image, METHODS["grad-cam"], target, frame=frame)

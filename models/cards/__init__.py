"""Model cards: the registry of every model, readable without torch."""

from models.cards.card import CARDS_DIR, WEIGHTS_DIR, Card, find_base_id, load_card
from models.cards.registry import Cards, card, cards, cards_of, check_outside, reload_cards
from models.cards.tables import Label

__all__ = [
    "CARDS_DIR",
    "WEIGHTS_DIR",
    "Card",
    "Cards",
    "Label",
    "card",
    "cards",
    "cards_of",
    "check_outside",
    "find_base_id",
    "load_card",
    "reload_cards",
]

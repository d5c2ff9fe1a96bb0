"""Model cards: the registry of every model, readable without torch."""

from models.cards.card import CARDS_DIR, WEIGHTS_DIR, Card, Label, card, cards, cards_of, find_base_id, load_card

__all__ = ["CARDS_DIR", "WEIGHTS_DIR", "Card", "Label", "card", "cards", "cards_of", "find_base_id", "load_card"]

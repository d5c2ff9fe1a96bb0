"""A model of a user's own, from a folder of pictures to a card on its page."""

"""Conference mode on the screen: the bar, the keys, the speaker's page, and the audience against the model."""

"""Where images come from: packed public sets, public samples, simulated cases, a user's own folder."""

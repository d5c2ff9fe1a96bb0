"""The way to an archive and back: images found and fetched, answers stored in the study that they belong to."""

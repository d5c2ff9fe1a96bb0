"""The ruler of every page that shows a film: `panel` draws it where the reader measures."""

"""Train a model on pictures of one's own, and see how good it is."""

from dashboard.views.train import page

page.show_train_page()

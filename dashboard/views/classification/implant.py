"""Which implant is this? The page shared by all single-image tasks, with this task's own first sentence."""

from dashboard.i18n import t
from dashboard.views.classification import page

page.show_classification_page("implant", invitation=t("Drop a shoulder radiograph that shows a prosthesis."))

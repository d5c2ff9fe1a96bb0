"""Which grade of disease is this? The page shared by all single-image tasks, with this task's own first sentence."""

from dashboard.i18n import t
from dashboard.views.classification import page

page.show_classification_page("pathology", invitation=t("Drop a knee radiograph from the front."))

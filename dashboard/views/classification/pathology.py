"""Which grade of disease is this? The page shared by all single-image tasks, with this task's own first sentence."""

from dashboard.case.card_summary import write_invitation
from dashboard.views.classification import page

page.show_classification_page("pathology", invitation=write_invitation("pathology"))

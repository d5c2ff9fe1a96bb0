"""Which knee implant is this? The page of identification, with this task's own first sentence."""

from dashboard.i18n import t
from dashboard.views.identification import page

page.show_identification_page(
    "knee_implant", invitation=t("Drop a radiograph or a fluoroscopy frame of a knee arthroplasty.")
)

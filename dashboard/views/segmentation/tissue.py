"""Which tissue is where? The page of segmentations, with this task's own first sentence."""

from dashboard.i18n import t
from dashboard.views.segmentation import page

page.show_segmentation_page("tissue", invitation=t("Drop a histology picture, an MR slice or a fluoroscopy frame."))

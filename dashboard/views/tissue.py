"""Which tissue is where? The page of segmentations, with this task's own first sentence."""

from dashboard.components import tissue_page
from dashboard.language import t

tissue_page.show("tissue", invitation=t("Drop a histology picture, an MR slice or a fluoroscopy frame."))

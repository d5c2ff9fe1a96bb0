"""Which tissue is where? The page of segmentations, with this task's own first sentence."""

from dashboard.components import tissue_page

tissue_page.show("tissue", invitation="Drop a histology picture, an MR slice or a fluoroscopy frame.")

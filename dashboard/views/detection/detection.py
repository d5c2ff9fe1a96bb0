"""Where is it? The page of detectors, with this task's own first sentence."""

from dashboard.i18n import t
from dashboard.views.detection import page

page.show_detection_page("detection", invitation=t("Drop a radiograph of a limb."))

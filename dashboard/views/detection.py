"""Where is it? The page of detectors, with this task's own first sentence."""

from dashboard.components import detection_page
from dashboard.language import t

detection_page.show("detection", invitation=t("Drop a radiograph of a limb."))

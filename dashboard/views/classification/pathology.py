"""Which grade of disease is this? The page shared by all single-image tasks, with this task's own first sentence."""

from dashboard.case import shell
from dashboard.i18n import t

shell.show("pathology", invitation=t("Drop a knee radiograph from the front."))

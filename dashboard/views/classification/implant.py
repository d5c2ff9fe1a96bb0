"""Which implant is this? The page shared by all single-image tasks, with this task's own first sentence."""

from dashboard.case import shell
from dashboard.i18n import t

shell.show("implant", invitation=t("Drop a shoulder radiograph that shows a prosthesis."))

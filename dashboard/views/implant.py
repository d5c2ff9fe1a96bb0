"""Which implant is this? The page shared by all single-image tasks, with this task's own first sentence."""

from dashboard import task_page
from dashboard.language import t

task_page.show("implant", invitation=t("Drop a shoulder radiograph that shows a prosthesis."))

"""Which grade of disease is this? The page shared by all single-image tasks, with this task's own first sentence."""

from dashboard import task_page
from dashboard.language import t

task_page.show("pathology", invitation=t("Drop a knee radiograph from the front."))

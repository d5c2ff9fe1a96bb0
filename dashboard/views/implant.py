"""Which implant is this? The page shared by all single-image tasks, with this task's own first sentence."""

from dashboard import task_page

task_page.show("implant", invitation="Drop a shoulder radiograph that shows a prosthesis.")

"""How does the implant move? The page of a fluoroscopy sequence."""

from dashboard.case import arrival, pages
from dashboard.views.kinematics import page

arrival.leave_for_page_of_arrival(pages.list_task_pages())
page.show_kinematics_page()

"""How does the implant move? The page of a fluoroscopy sequence."""

from dashboard.case import arrival, pages
from dashboard.views.kinematics import page

arrival.depart(pages.tasks())
page.show()

"""How does the implant move? The page of a fluoroscopy sequence."""

from dashboard import pages
from dashboard.case import arrival
from dashboard.components import kinematics_page

arrival.depart(pages.tasks())
kinematics_page.show()

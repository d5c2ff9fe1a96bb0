"""How does the implant move? The page of a fluoroscopy sequence."""

from dashboard import views
from dashboard.case import arrival
from dashboard.views.kinematics import page

arrival.depart(views.tasks())
page.show()

"""How does the implant move? The page of a fluoroscopy sequence."""

from dashboard.components import kinematics_page

kinematics_page.show()

"""Where are bone and joint? The page of landmarks, with this task's own first sentence."""

from dashboard.case.card_summary import write_invitation
from dashboard.views.landmarks import page

page.show_landmarks_page("landmarks", invitation=write_invitation("landmarks"))

"""How a network comes to its answer: lessons on the user's own image, one a section of the address."""

from dashboard.views.lessons import page

page.show_lessons_page()

"""Find images in the archive, open them, and send answers back."""

from dashboard.views.archive import page

page.show_archive_page()

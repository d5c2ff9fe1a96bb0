"""All files of the table at once: what the models say of them, and whether that is right."""

from dashboard.case import results

results.show_results()

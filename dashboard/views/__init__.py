"""The pages: one folder a kind of task, and one script a page, which Streamlit runs."""

"""The screen: Streamlit and plotly, nothing else. Everything it knows of models comes through `models`."""

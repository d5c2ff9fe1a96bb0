"""A film in a hall: all the room for the picture, and its colours fade in over it."""

from __future__ import annotations

import plotly.graph_objects as go

from dashboard import session
from dashboard.style import figures
from models import Image

EDGE_PX = 8
"""Around a picture whose axes are not drawn."""
BAR_Y = 0.08
"""Where a colour bar begins, so that the word below it stands on the picture whole."""
HAIR = 1e-9
"""By which the picture below is larger: plotly draws one of those that have the same place and size."""


def stage_viewer(fig: go.Figure, image: Image | None = None, frame: int = 0) -> go.Figure:
    """Return a viewer as conference mode shows it, and as it is on any other page.

    It has no axes: pixels are for a desk, and the scale bar stays. The bare picture lies under the last one, whose
    colours the style sheet lets appear over it.
    """
    if session.find_stage() is None:
        return fig
    fig.update_xaxes(visible=False)
    fig.update_yaxes(visible=False)
    fig.update_scenes(xaxis_visible=False, yaxis_visible=False, zaxis_visible=False)
    fig.update_layout(margin={"l": EDGE_PX, "b": EDGE_PX})
    fig.update_traces(marker_colorbar_y=BAR_Y, selector={"type": "scatter", "marker.showscale": True})
    if image is not None and fig.layout.images:
        *others, last = fig.layout.images
        bare = figures.encode_raster(figures.shrink_picture(image.shown(frame), figures.LONGEST_PX), exact=False)
        under = {**last.to_plotly_json(), "source": bare, "sizex": last.sizex * (1 + HAIR)}
        fig.layout.images = (*others, under, last)
    return fig

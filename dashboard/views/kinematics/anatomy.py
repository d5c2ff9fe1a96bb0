"""Which ways of a STL file are anterior and proximal, asked where a component's shape does not tell."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from dashboard.case.states import escape_markdown
from dashboard.i18n import later, t
from models.geometry.mesh import Mesh
from models.tasks.kinematics.axes import WAYS, guess_femoral_axes, guess_tibial_axes, state_axes

ASKED = (
    later("The shape of the femoral component does not tell which ways of its STL file are anterior and proximal."),
    later("The shape of the tibial component does not tell which ways of its STL file are anterior and proximal."),
)


def complete_axes(meshes: tuple[Mesh, Mesh], keys: tuple[str, str]) -> tuple[Mesh, Mesh] | None:
    """Return the components, with the axes that a reader says where a shape tells none; None until they are said.

    Parameters
    ----------
    keys
        Of the two files, for the fields.
    """
    femoral, tibial = meshes
    told = guess_femoral_axes(femoral).told, guess_tibial_axes(tibial).told
    known = [
        mesh if clear else _ask_axes(mesh, asked, key)
        for mesh, clear, asked, key in zip(meshes, told, ASKED, keys, strict=True)
    ]
    return (known[0], known[1]) if known[0] and known[1] else None


def _ask_axes(mesh: Mesh, asked: str, key: str) -> Mesh | None:
    why = t("Angles need them: say both.")
    st.markdown(f":material/help: {escape_markdown(t(asked))} {escape_markdown(why)}")
    with st.container(horizontal=True, gap="medium"):
        anterior, proximal = (
            st.segmented_control(label, WAYS, key=f"kinematics-axes-{key[:12]}-{which}", persist_state="session")
            for which, label in (("anterior", t("Anterior")), ("proximal", t("Proximal")))
        )
    if not anterior or not proximal:
        return None
    if anterior[1] == proximal[1]:
        wrong = t("Anterior and proximal are at right angles.")
        st.markdown(f":material/error: {escape_markdown(wrong)}")
        return None
    return replace(mesh, stated_axes=state_axes(anterior, proximal))

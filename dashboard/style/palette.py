"""The colours that figures share; those of classes and heat are of `models.reporting`, since files carry them too."""

TEAL, AMBER, GREY = "#2FA79B", "#E69F00", "rgba(128,140,150,0.55)"
SIGNED = [[0.0, "#3A94CC"], [0.5, "#F5F5F5"], [1.0, "#D97A2B"]]
"""From blue over white to vermilion (Okabe and Ito, jfly.uni-koeln.de/color)."""

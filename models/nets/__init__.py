"""Networks: backbones, heads, and loading them from a card."""

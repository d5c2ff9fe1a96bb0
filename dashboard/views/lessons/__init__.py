"""How it works: lessons on the user's own image, and the guided tour through them."""

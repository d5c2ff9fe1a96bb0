"""How it works: lessons on the visitor's own image, and the guided tour through them."""

"""How answers are drawn, the same on the screen, in files and in reports: heat, classes, boxes, captions."""

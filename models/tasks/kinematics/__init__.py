"""Knee-implant motion from single-plane fluoroscopy: camera, CAD, initial pose, refinement, angles, simulation.

The source of the X-rays is the origin, x points to the right of the image, y up, and the detector lies at negative z;
poses are `source_from_implant`, 4 × 4, in mm. Nothing here needs a network, a screen or a GPU.
"""

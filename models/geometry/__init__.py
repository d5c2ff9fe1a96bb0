"""Cameras, meshes and poses: how a solid stands before an X-ray source, and what shadow it casts."""

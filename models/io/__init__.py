"""Files in and out."""

from models.io.read import read

__all__ = ["read"]

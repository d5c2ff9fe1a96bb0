"""Files that name a person who does not exist."""

from tests.io.conftest import dicom, encoded, limited, ramp, saved

__all__ = ["dicom", "encoded", "limited", "ramp", "saved"]

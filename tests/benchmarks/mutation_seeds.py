"""A small valid file of every kind that is read, and what reads it: from these the broken inputs are made."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import tifffile
from PIL import Image as Pillow
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    MRImageStorage,
    RLELossless,
)
from trimesh.creation import icosphere

import models
from models.cards import card
from models.geometry import jts
from models.geometry.camera import read_calibration, write_calibration
from models.geometry.mesh import Mesh, read_mesh, write_stl
from models.io.intake import take_in
from models.io.series import read_slice_headers
from models.io.slide import open_slide, read_slide_region
from models.tasks.detection.reference import read_reference_boxes
from models.tasks.detection.sr import read_sr, write_sr
from models.tasks.segmentation.reference import read_reference_mask
from models.tasks.segmentation.seg import read_seg, write_seg
from models.types import Box, Detections, Segmentation

Seed = tuple[bytes, Callable[[bytes], object]]
SHAPE = (32, 48)
RAMP = (np.arange(32 * 48, dtype=np.uint16).reshape(SHAPE) * 2).astype(np.uint16)
LABELS = ("background", "bone", "cartilage")


def seeds() -> dict[str, Seed]:
    """Return name → a valid file of that kind, and what reads it."""
    return _dicom() | _objects() | _pictures() | _masks() | _boxes() | _study() | _archives()


def _dataset(pixels: np.ndarray = RAMP, syntax: str = ExplicitVRLittleEndian, **attributes: Any) -> bytes:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    packed = syntax in (RLELossless, JPEG2000Lossless, JPEGLSLossless)
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian if packed else syntax
    dataset.SOPClassUID, dataset.SOPInstanceUID = MRImageStorage, "1.2.3"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.Modality = "1.2", "1.2.1", "MR"
    dataset.PatientName, dataset.WindowCenter, dataset.WindowWidth = "Doe^Jane", 1000, 500
    dataset.RescaleSlope, dataset.RescaleIntercept, dataset.PixelSpacing = 1, 0, [0.5, 0.25]
    if pixels.ndim == 3:
        dataset.NumberOfFrames = len(pixels)
    dataset.Rows, dataset.Columns = pixels.shape[-2:]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.PixelRepresentation = pixels.dtype.itemsize * 8, 0
    dataset.BitsStored, dataset.HighBit = (12, 11) if pixels.dtype.itemsize == 2 else (8, 7)
    big = syntax == ExplicitVRBigEndian
    dataset.PixelData = pixels.astype(">u2" if big else pixels.dtype).tobytes()
    dataset["PixelData"].VR = "OW"
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    if packed:
        dataset.compress(syntax, generate_instance_uid=False)
    out = BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def _jpeg() -> bytes:
    dataset = dcmread(BytesIO(_dataset(RAMP.astype(np.uint8))))
    dataset.PixelData = encapsulate([_encoded("JPEG", RAMP.astype(np.uint8))])
    dataset["PixelData"].VR = "OB"
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    out = BytesIO()
    dataset.save_as(out)
    return out.getvalue()


def _item(**attributes: Any) -> Sequence:
    item = Dataset()
    for keyword, value in attributes.items():
        if keyword == "LUTData":
            item.add_new(keyword, "OW", value)
        elif keyword == "LUTDescriptor":
            item.add_new(keyword, "US", value)
        else:
            setattr(item, keyword, value)
    return Sequence([item])


def _dicom() -> dict[str, Seed]:
    table = _item(LUTDescriptor=[4096, 0, 16], LUTData=(np.arange(4096) * 16).astype("<u2").tobytes())
    shared = Dataset()
    shared.PixelMeasuresSequence = _item(PixelSpacing=[0.5, 0.5])
    each = [Dataset() for _ in range(4)]
    for index, group in enumerate(each):
        group.FrameVOILUTSequence = _item(WindowCenter=500 + index, WindowWidth=300)
    stack = np.stack([RAMP] * 4)
    palette: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for colour in ("Red", "Green", "Blue"):
        palette[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        palette[f"{colour}PaletteColorLookupTableData"] = (np.arange(256) * 257).astype("<u2").tobytes()
    files = {
        "explicit": _dataset(),
        "implicit": _dataset(syntax=ImplicitVRLittleEndian),
        "big endian": _dataset(syntax=ExplicitVRBigEndian),
        "deflated": _dataset(syntax=DeflatedExplicitVRLittleEndian),
        "RLE": _dataset(syntax=RLELossless),
        "JPEG 2000": _dataset(syntax=JPEG2000Lossless),
        "JPEG-LS": _dataset(syntax=JPEGLSLossless),
        "JPEG": _jpeg(),
        "display table": _dataset(VOILUTSequence=table),
        "modality table": _dataset(ModalityLUTSequence=table),
        "palette": _dataset((RAMP % 256).astype(np.uint8), **palette),
        "whole slide": _dataset(
            stack,
            TotalPixelMatrixRows=60,
            TotalPixelMatrixColumns=90,
            DimensionOrganizationType="TILED_FULL",
        ),
        "functional groups": _dataset(
            stack,
            SharedFunctionalGroupsSequence=Sequence([shared]),
            PerFrameFunctionalGroupsSequence=Sequence(each),
        ),
    }
    found: dict[str, Seed] = {f"DICOM {name}": (data, models.read) for name, data in files.items()}
    found["DICOM headers of a series"] = files["implicit"], lambda data: read_slice_headers([data, data])
    return found


def _objects() -> dict[str, Seed]:
    place = {"FrameOfReferenceUID": "1.2.9", "ImagePositionPatient": [0, 0, 0], "SliceThickness": 2}
    source = _dataset(ImageOrientationPatient=[1, 0, 0, 0, 1, 0], **place)
    tissue, fracture = card("joint-section"), card("fracture")
    mask = np.zeros(SHAPE, np.uint8)
    mask[:9, :9], mask[12:, 20:] = 1, 2
    painted = Segmentation(
        task="tissue", card=tissue.id, sha256="0" * 64, seconds=0.1, frame=0, labels=tissue.keys, mask=mask,
        certainty=mask,
    )  # fmt: skip
    boxes = Detections(
        task="detection", card=fracture.id, sha256="0" * 64, seconds=0.1, frame=0, labels=fracture.keys,
        boxes=np.array([[2, 3, 10, 9]], np.float32), classes=np.zeros(1, np.intp), scores=np.ones(1, np.float32),
        places=np.arange(1), operating_point="Balanced", threshold=0.5, warnings=(),
    )  # fmt: skip
    seg = write_seg(source, painted, tissue)
    return {
        "SEG": (seg, lambda data: read_seg(data, source)),
        "SEG as reference": (seg, lambda data: read_reference_mask([("seg.dcm", data)], tissue.keys, SHAPE)),
        "SR": (write_sr(source, boxes, fracture), read_sr),
        "source of a SEG": (source, lambda data: write_seg(data, painted, tissue)),
        "source of an SR": (source, lambda data: write_sr(data, boxes, fracture)),
    }


def _encoded(kind: str, picture: np.ndarray | Pillow.Image, **options: Any) -> bytes:
    out = BytesIO()
    (Pillow.fromarray(picture) if isinstance(picture, np.ndarray) else picture).save(out, kind, **options)
    return out.getvalue()


def sealed(data: bytes) -> bytes:
    """Return a PNG whose checksums are those of its chunks, so that what was changed is looked at."""
    at, out = 8, bytearray(data[:8])
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        body = data[at + 4 : at + 8 + length]
        out += data[at : at + 4] + body + zlib.crc32(body).to_bytes(4, "big")
        at += 12 + length
    return bytes(out)


def _tiff(values: np.ndarray, **options: Any) -> bytes:
    out = BytesIO()
    tifffile.imwrite(out, values, **options)
    return out.getvalue()


def _pyramid() -> bytes:
    out = BytesIO()
    whole = np.tile(RAMP.astype(np.uint8), (24, 18))
    with tifffile.TiffWriter(out) as file:
        file.write(whole, subifds=1, tile=(64, 64), compression="zlib", photometric="minisblack")
        file.write(whole[::2, ::2], subfiletype=1, tile=(64, 64), compression="zlib", photometric="minisblack")
    return out.getvalue()


def _pictures() -> dict[str, Seed]:
    grey = RAMP.astype(np.uint8)
    colour = np.stack([grey, grey.T.reshape(SHAPE), 255 - grey], -1)
    files = {
        "PNG": _encoded("PNG", colour),
        "PNG of 16 bits": _encoded("PNG", RAMP),
        "JPEG": _encoded("JPEG", colour),
        "WebP": _encoded("WEBP", colour),
        "BMP": _encoded("BMP", colour),
        "TIFF": _tiff(RAMP, photometric="minisblack"),
        "TIFF of LZW": _tiff(colour, photometric="rgb", compression="lzw", predictor=2),
        "TIFF of JPEG": _tiff(colour, photometric="rgb", compression="jpeg", tile=(16, 16)),
        "TIFF of OME": _tiff(np.stack([grey] * 3), photometric="minisblack", ome=True),
        "TIFF of CMYK": _encoded("TIFF", Pillow.fromarray(colour).convert("CMYK")),
    }
    found: dict[str, Seed] = {name: (data, models.read) for name, data in files.items()}
    found["PNG with checksums"] = files["PNG"], lambda data: models.read(sealed(data))

    def closely(data: bytes) -> object:
        return open_slide(data, "x.tif") and read_slide_region(data, 0, Box(0, 0, 100, 100), "x.tif")

    return found | {"slide": (_pyramid(), closely)}


def _masks() -> dict[str, Seed]:
    mask = np.zeros(SHAPE, np.uint8)
    mask[3:9, 4:20] = 1
    kinds = {"PNG": {}, "TIFF": {}, "BMP": {}, "GIF": {}, "AVIF": {"quality": 90}, "DDS": {}, "SPIDER": {}, "EPS": {}}
    found: dict[str, Seed] = {}
    for kind, options in kinds.items():
        picture = mask.astype(np.float32) if kind == "SPIDER" else mask * 255
        data = _encoded(kind, picture, **options)
        found[f"mask of {kind}"] = data, lambda data: read_reference_mask([("bone.png", data)], LABELS, SHAPE)
    return found


def _boxes() -> dict[str, Seed]:
    image = {"id": 1, "file_name": "a.png", "height": 32, "width": 48}
    plain = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [2, 3, 10, 9], "iscrowd": 0}
    runs = {"id": 2, "image_id": 1, "category_id": 1, "segmentation": {"size": [32, 48], "counts": [30, 5, 1501]}}
    outline = {"id": 3, "image_id": 1, "category_id": 1, "segmentation": [[1, 1, 9, 1, 9, 8.5]]}
    names = [{"id": 1, "name": "fracture"}]
    coco = json.dumps({"images": [image], "annotations": [plain, runs, outline], "categories": names}).encode()
    corners = "<xmin>2</xmin><ymin>3</ymin><xmax>12</xmax><ymax>11</ymax>"
    voc = (
        "<annotation><filename>a.png</filename><size><width>48</width><height>32</height></size>"
        f"<object><name>fracture</name><bndbox>{corners}</bndbox></object></annotation>"
    ).encode()
    yolo = b"0 0.5 0.5 0.25 0.25\n1 0.1 0.1 0.4 0.1 0.4 0.3\n0 0.4 0.4 0.1 0.1 0.9\n"
    files = {"COCO": ("a.json", coco), "VOC": ("a.xml", voc), "YOLO": ("a.txt", yolo)}
    return {
        kind: (data, lambda data, name=name: read_reference_boxes([(name, data)], "a.png", SHAPE))
        for kind, (name, data) in files.items()
    }


def _study() -> dict[str, Seed]:
    ball = icosphere(subdivisions=2, radius=40.0)
    binary = write_stl(Mesh(np.asarray(ball.vertices, np.float64), np.asarray(ball.faces, np.int32)))
    mesh = read_mesh(binary)
    facets = [
        "facet normal 0 0 0\nouter loop\n"
        + "".join("vertex {:g} {:g} {:g}\n".format(*corner) for corner in mesh.vertices[face])
        + "endloop\nendfacet\n"
        for face in mesh.faces
    ]
    text = ("solid component\n" + "".join(facets) + "endsolid\n").encode()
    camera = b"image size\n48,32\ncamera matrix\n60,0,16\n0,60,12\n0,0,1\n"
    poses = jts.write_jts(np.stack([jts.pose_from_jts_row(np.array([1.0, 2, -900, 4, 5, 6]))] * 3)).encode()
    return {
        "STL": (binary, read_mesh),
        "STL as text": (text, read_mesh),
        "jts": (poses, jts.read_jts),
        "calibration": (
            write_calibration(1200, 0.3).encode(),
            lambda data: read_calibration(data, (1000, 1000)),
        ),
        "camera": (camera, lambda data: read_calibration(data, SHAPE)),
    }


def _archives() -> dict[str, Seed]:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("folder/a.png", _encoded("PNG", RAMP.astype(np.uint8)))
        archive.writestr("folder/b.dcm", _dataset())
        archive.writestr("c.dcm", _dataset())
    return {"ZIP": (out.getvalue(), lambda data: take_in([("drop.zip", data)]))}

"""Which tissue or component is this pixel? After Wang et al. 2020, arXiv:1908.07919, section 4: dense prediction."""

from models.tasks.segmentation.task import SegmentationTask


class Tissue(SegmentationTask):
    """Paints tissue, nuclei, bone or implant components."""

    name = "tissue"
    title = "Tissue segmentation"
    question = "What is where?"

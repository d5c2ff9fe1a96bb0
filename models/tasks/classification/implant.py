"""Which implant is on this radiograph? After Karnuta et al. 2021, doi 10.1016/j.arth.2020.11.015."""

from models.tasks.classification.task import ClassificationTask


class Implant(ClassificationTask):
    """Names the manufacturer or model of an implant."""

    name = "implant"
    title = "Implant identification"
    question = "Which implant is this?"

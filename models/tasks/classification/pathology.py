"""Which grade of disease does this radiograph show? After Tiulpin et al. 2018, doi 10.1038/s41598-018-20132-7."""

from models.tasks.classification.task import ClassificationTask


class Pathology(ClassificationTask):
    """Grades a pathology, such as knee osteoarthritis after Kellgren and Lawrence."""

    name = "pathology"
    title = "Pathology classification"
    question = "Which grade of disease is this?"

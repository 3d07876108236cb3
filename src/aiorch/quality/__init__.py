"""How good an answer is, as far as it can be told.

Checks give evidence, and what nobody looked at stays ``None``. A shape is the type that an answer is asked for as.

    shape = shape_of(Person)                                   # a pydantic model, a list[int], a Literal ...
    task = dataclasses.replace(task, schema=shape.schema)
    assessment = await assess(task, response, CHECKS)
    if meets(assessment, profile.minima):
        person = shape.parse(response.message.text)            # or OutputInvalid, saying what is wrong
"""

from aiorch.quality.assessing import assess, meets, shortfalls
from aiorch.quality.checks import CHECKS, FitsSchema, NoRepetition, NotEmpty, NotTruncated
from aiorch.quality.shapes import Shape, schema_for, shape_of

__all__ = [
    "CHECKS",
    "FitsSchema",
    "NoRepetition",
    "NotEmpty",
    "NotTruncated",
    "Shape",
    "assess",
    "meets",
    "schema_for",
    "shape_of",
    "shortfalls",
]

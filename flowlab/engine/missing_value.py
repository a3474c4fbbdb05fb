"""What stands for a value of a result that was not stored."""

from attrs import frozen


@frozen
class MissingValue:
    """Stands for a value that was not stored; to have it, its node is built again."""

    type: str

"""What is wrong with an expression."""

from ffgen.errors import UsageError


class ExpressionError(UsageError):
    """An expression can't be read, or doesn't fit its fields. `column` counts characters of the text from 1."""

    def __init__(self, what: str, *, hint: str = "", column: int = 1) -> None:
        super().__init__(what, hint=hint)
        self.column = column

    def __str__(self) -> str:
        return f"At character {self.column}: {super().__str__()}"

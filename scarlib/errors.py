"""The errors people meet: cause, then cure, every problem at once."""

from collections.abc import Iterable


class _ProblemsError(ValueError):
    """An error that carries all problems found, one sentence each, in `problems`."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        head = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        super().__init__(head + ":\n" + "\n".join(f"- {problem}" for problem in self.problems))


class DataError(_ProblemsError):
    """A table cannot be used; `problems` names file, row, column and cure of each fault."""


class ClientError(_ProblemsError):
    """A client's profile cannot be used; `problems` names the argument and what is allowed."""

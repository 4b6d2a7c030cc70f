"""Things that addresses are about: see `registry`; each other file registers those of one part of the house."""

from tests.architecture.subjects import desks, foundation, programs
from tests.architecture.subjects.registry import NoSubject, Subjects

__all__ = ["NoSubject", "Subjects", "desks", "foundation", "programs"]

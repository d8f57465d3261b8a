"""The program: the composed output picture on a fixed canvas, one per tick, whatever Scope does."""

from bridge.program.composer import Composer, ProgramState
from bridge.program.program import Program, ProgramStatus
from bridge.program.settings import ProgramSettings

__all__ = ["Composer", "Program", "ProgramSettings", "ProgramState", "ProgramStatus"]

"""Which programs may jobs of type `command` start here? As many as whoever installed Interlock has named."""

from __future__ import annotations

from dataclasses import dataclass

from interlock.domain.plain_text import shown

_ANY = "*"


@dataclass(frozen=True, slots=True)
class AllowedCommands:
    """Programs as `job.config.command` begins with them: a name that is looked up on the path, or an absolute path."""

    programs: frozenset[str] = frozenset()

    @classmethod
    def listed(cls, text: str) -> AllowedCommands:
        """Separated by commas; `*` stands for every program, nothing for none."""
        return cls(frozenset(name.strip() for name in text.split(",") if name.strip()))

    def refusal(self, program: str) -> str | None:
        """Why this program may not be started, and what to change; None if it may."""
        if _ANY in self.programs:
            return None
        refused = f"this installation does not allow the command {shown(program, 200)}"
        if "/" in program and not program.startswith("/"):
            # It would be another program in another working directory.
            return f"{refused}: a relative path cannot be allowed; write the absolute one"
        if "," in program or program != program.strip():
            return f"{refused}: a program with a comma in its name, or a blank around it, cannot be allowed; rename it"
        if program in self.programs:
            return None
        return f"{refused}; name it in allowed_commands of the Terraform module"


NO_COMMANDS = AllowedCommands()

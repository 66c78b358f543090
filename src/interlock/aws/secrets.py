"""`Secrets`: what `${secret:NAME}` and `${INTERLOCK_X}` mean on AWS."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from interlock.aws.errors import calling
from interlock.ports import CallFailed

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

# A container lives for hours and a secret rotates within them; a minute spares the calls of one burst of starts.
_FRESH_SECONDS = 60.0
_OURS = "INTERLOCK_"


class SecretsManager:
    """Values never leave this object but to whoever asked for them: not in logs, not in errors."""

    def __init__(
        self,
        client: SecretsManagerClient,
        environment: Mapping[str, str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client, self._environment, self._clock = client, environment, clock
        self._read: dict[str, tuple[float, str]] = {}  # name -> until when it is fresh, value

    def secret(self, name: str) -> str:
        """By name or ARN; at most a minute old."""
        fresh_until, value = self._read.get(name, (0.0, ""))
        return value if self._clock() < fresh_until else self.reread(name)

    def reread(self, name: str) -> str:
        """As it is now: for whoever was refused with the value he had, since it may have rotated."""
        call = "secretsmanager.GetSecretValue"
        with calling(call):
            answer = self._client.get_secret_value(SecretId=name)
        value = answer.get("SecretString")
        if value is None:
            raise CallFailed(call, "BinarySecret", f"{name} is binary; store it as text")
        self._read[name] = (self._clock() + _FRESH_SECONDS, value)
        return value

    def variable(self, name: str) -> str | None:
        return self._environment.get(name) if name.startswith(_OURS) else None

"""What an adapter is given: `job.config` with its placeholders expanded just before the call, secrets included.

Which secrets those were is remembered for as long as the call lasts: a service may quote them in its errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from interlock.domain.expansion import expand, job_values, without_secrets
from interlock.domain.pipeline import Pipeline
from interlock.domain.run import Run
from interlock.ports import CallFailed, JobRequest, Secrets, TriggerError

# Waiting does not mend these. https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
_NO_SUCH_SECRET = frozenset(
    {
        "ResourceNotFoundException",
        "AccessDeniedException",
        "InvalidRequestException",
        "DecryptionFailure",
        "BinarySecret",
    }
)


@dataclass(slots=True)
class Expansion:
    """Expands for one call of an adapter, and hides in its errors what it was told."""

    secrets: Secrets
    _told: list[str] = field(default_factory=list)

    def request(self, run: Run, pipeline: Pipeline) -> JobRequest:
        """What this attempt asks for, by the config as it is now. Raises as `expanded`."""
        return self.request_of(run, pipeline.job.config, idempotent=pipeline.job.idempotent)

    def request_of(
        self, run: Run, config: Mapping[str, Any], *, idempotent: bool, since: datetime | None = None
    ) -> JobRequest:
        """By a config as it was written at another time. Raises as `expanded`."""
        return JobRequest(
            key=run.key,
            attempt=run.attempt,
            run_id=run.run_id,
            config=self.expanded(run, config),
            values=job_values(run.key, run.attempt, run.run_id),
            idempotent=idempotent,
            since=since,
        )

    def expanded(self, run: Run, config: Mapping[str, Any]) -> dict[str, Any]:
        """Raises `ExpansionError`; `TriggerError` for a secret that waiting does not bring back; `CallFailed`."""
        values = job_values(run.key, run.attempt, run.run_id)
        return expand(config, values, self._secret, self.secrets.variable)

    def hidden(self, text: str) -> str:
        """The text without the secrets that were expanded."""
        return without_secrets(text, self._told)

    def quoting_no_secret(self, error: TriggerError) -> TriggerError:
        return TriggerError(
            self.hidden(str(error)), permanent=error.permanent, unknown_outcome=error.unknown_outcome
        )

    def _secret(self, name: str) -> str:
        try:
            self._told.append(self.secrets.secret(name))
            return self._told[-1]
        except CallFailed as error:
            if error.code in _NO_SUCH_SECRET:
                raise TriggerError(
                    f"the secret {name} cannot be read: {error.code}", permanent=True
                ) from None
            raise

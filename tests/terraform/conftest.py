"""The provider for tests of the Terraform module; without one they are skipped, and say what to install."""

from __future__ import annotations

import pytest

from terraform.provider import NoProvider, Provider, find_provider


@pytest.fixture(scope="session")
def provider() -> Provider:
    """Whichever can be reached: enough for `init`, `validate` and tests with mocks."""
    try:
        return find_provider()
    except NoProvider as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def stand_in(provider: Provider) -> Provider:
    """One that plans and applies without an account."""
    if not provider.is_stand_in:
        pytest.skip(f"needs the offline stand-in: {provider.source} plans with an AWS account only")
    return provider

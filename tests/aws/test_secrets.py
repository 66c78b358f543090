"""What `${secret:NAME}` and `${INTERLOCK_X}` find."""

import pytest

from interlock.aws.secrets import SecretsManager
from interlock.ports import CallFailed


@pytest.fixture
def client(aws):
    client = aws("secretsmanager")
    client.create_secret(Name="token", SecretString="one")
    return client


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def test_a_secret_is_read_by_name_and_by_arn(client):
    secrets = SecretsManager(client, {})
    arn = client.describe_secret(SecretId="token")["ARN"]

    assert secrets.secret("token") == secrets.secret(arn) == "one"


def test_a_rotated_secret_is_seen_after_a_minute(client):
    clock = Clock()
    secrets = SecretsManager(client, {}, clock)
    secrets.secret("token")
    client.put_secret_value(SecretId="token", SecretString="two")

    clock.now += 59
    before = secrets.secret("token")
    clock.now += 1

    assert (before, secrets.secret("token")) == ("one", "two")


def test_a_rotated_secret_is_seen_at_once_by_who_asks_again(client):
    secrets = SecretsManager(client, {})
    secrets.secret("token")
    client.put_secret_value(SecretId="token", SecretString="two")

    assert secrets.reread("token") == "two"
    assert secrets.secret("token") == "two"


def test_a_secret_that_does_not_exist_is_a_failed_call(client):
    with pytest.raises(CallFailed) as failed:
        SecretsManager(client, {}).secret("nothing")

    assert failed.value.code == "ResourceNotFoundException"


def test_a_binary_secret_is_a_failed_call_that_says_what_to_do(client):
    client.create_secret(Name="binary", SecretBinary=b"\x00")

    with pytest.raises(CallFailed, match="store it as text"):
        SecretsManager(client, {}).secret("binary")


def test_only_variables_of_ours_are_found(client):
    secrets = SecretsManager(client, {"INTERLOCK_REGION": "eu", "AWS_SECRET_ACCESS_KEY": "x"})

    assert secrets.variable("INTERLOCK_REGION") == "eu"
    assert secrets.variable("INTERLOCK_NOTHING") is None
    assert secrets.variable("AWS_SECRET_ACCESS_KEY") is None

"""How our boto3 clients are configured."""

from interlock.aws.clients import Clients


def test_a_client_is_made_once():
    clients = Clients()

    assert clients("dynamodb") is clients("dynamodb")
    assert clients("dynamodb") is not clients("sqs")


def test_no_call_waits_for_ever():
    config = Clients()("dynamodb").meta.config

    assert (config.connect_timeout, config.read_timeout) == (2, 5)
    assert config.retries == {"mode": "standard", "total_max_attempts": 3}


def test_an_endpoint_of_the_environment_is_used(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:4567")

    clients = Clients()

    assert clients("dynamodb").meta.endpoint_url == "http://127.0.0.1:4566"
    assert clients("sqs").meta.endpoint_url == "http://127.0.0.1:4567"

"""A client whose answers are given: each request is checked against botocore's model of the service."""

from contextlib import contextmanager

from botocore.stub import Stubber


@contextmanager
def stubbed(client):
    with Stubber(client) as stub:
        yield stub
        stub.assert_no_pending_responses()

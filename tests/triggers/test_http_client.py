"""The HTTP client against servers that are slow, greedy, lying or where they should not be."""

import socket
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest

from interlock.triggers.http_calls import AnswerLost, NotSent
from interlock.triggers.http_client import BODY_BYTES, MOST_REDIRECTS, HttpClient
from interlock.triggers.public_address import AddressRules
from triggers.loopback import loopback

LOOPBACK = AddressRules(["127.0.0.0/8"])


def ask(
    url, *, method="POST", headers=None, body="{}", seconds=5, rules=LOOPBACK, tls=ssl.create_default_context
):
    return HttpClient(rules, tls).request(method, url, headers or {}, body, seconds)


def test_a_request_arrives_as_it_was_given():
    with loopback(lambda exchange: exchange.answer(202, "taken on")) as served:
        answer = ask(f"{served.url}/jobs/a%20b/é?day=2026-03-01&x=é", headers={"X-Day": "1"}, body="réseau")

    (received,) = served.received
    assert (answer.status, answer.body) == (202, "taken on")
    assert (received.method, received.path) == ("POST", "/jobs/a%20b/%C3%A9?day=2026-03-01&x=%C3%A9")
    assert received.body.decode() == "réseau"
    assert received.headers == {
        "host": served.url.removeprefix("http://"),
        "x-day": "1",
        "user-agent": "interlock",
        "accept-encoding": "identity",
        "content-length": "7",
    }


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
def test_an_answer_that_is_no_success_is_an_answer(status):
    with loopback(lambda exchange: exchange.answer(status, "why")) as served:
        assert ask(served.url).status == status


def test_user_and_password_of_the_url_become_a_header():
    with loopback(lambda exchange: exchange.answer(200)) as served:
        ask(served.url.replace("://", "://me:p%40ss@"))

    assert served.received[0].headers["authorization"] == "Basic bWU6cEBzcw=="


def test_the_environments_proxies_are_not_asked(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    with loopback(lambda exchange: exchange.answer(200)) as served:
        assert ask(served.url).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "127.1",
        "0x7f000001",
        "2130706433",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "169.254.169.254",
        "10.0.0.1",
    ],
)
def test_an_address_that_is_not_public_is_refused_before_it_is_connected_to(host, monkeypatch):
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("connected"))

    with pytest.raises(NotSent, match=r"not a public address.*allowedPrivateCidrs") as refused:
        ask(f"http://{host}:8080/latest/meta-data/", rules=AddressRules())

    assert refused.value.permanent


def resolve_to(monkeypatch, *rounds):
    """What each look-up of a name finds, in turn; returns the names that were looked up."""
    looked_up, rounds = [], list(rounds)

    def getaddrinfo(host, port, *_, **__):
        looked_up.append(host)
        addresses = rounds.pop(0) if len(rounds) > 1 else rounds[0]
        families = {4: socket.AF_INET, 6: socket.AF_INET6}
        return [
            (families[ip_address(address).version], socket.SOCK_STREAM, 6, "", (address, port))
            for address in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return looked_up


def test_a_name_of_a_private_address_is_refused(monkeypatch):
    resolve_to(monkeypatch, ["169.254.169.254"])

    with pytest.raises(NotSent, match=r"metadata.example is not a public address \(169.254.169.254\)"):
        ask("http://metadata.example/", rules=AddressRules())


def test_a_name_that_resolves_otherwise_a_moment_later_gains_nothing(monkeypatch):
    with loopback(lambda exchange: exchange.answer(200)) as served:
        port = served.url.rpartition(":")[2]
        looked_up = resolve_to(monkeypatch, ["127.0.0.1"], ["169.254.169.254"])
        assert ask(f"http://rebind.example:{port}/").status == 200

    assert looked_up == ["rebind.example"]
    assert served.received[0].headers["host"] == f"rebind.example:{port}"


def test_of_a_names_addresses_only_the_allowed_ones_are_tried(monkeypatch):
    with loopback(lambda exchange: exchange.answer(200)) as served:
        resolve_to(monkeypatch, ["10.0.0.1", "127.0.0.1"])
        assert ask(f"http://both.example:{served.url.rpartition(':')[2]}/", seconds=2).status == 200


def test_a_name_that_nobody_knows_may_be_known_later(monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    with pytest.raises(NotSent, match=r"nowhere\.example cannot be resolved: Name or service") as failed:
        ask("http://nowhere.example/")

    assert not failed.value.permanent


def test_a_name_that_is_none_is_a_permanent_error():
    with pytest.raises(NotSent, match="cannot be resolved") as failed:
        ask(f"http://{'a' * 64}.example/")

    assert failed.value.permanent


def test_a_port_where_nobody_listens_may_be_served_later():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(NotSent, match="cannot be reached: Connection refused") as failed:
            ask(f"http://127.0.0.1:{unused.getsockname()[1]}/")

    assert not failed.value.permanent


@pytest.mark.parametrize(
    "url",
    [
        "",
        "jobs.example",
        "ftp://jobs.example/",
        "file:///etc/passwd",
        "http://",
        "http:///x",
        "http://[::1",
        "http://a:99999/",
        "http://a:b/",
    ],
)
def test_what_is_no_http_url_is_a_permanent_error(url):
    with pytest.raises(NotSent) as failed:
        ask(url)

    assert failed.value.permanent


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("TRACE", {}),
        ("GET / HTTP/1.1\r\nX: y\r\n", {}),
        ("POST", {"X-A": "hunter2\r\nX-B: 1"}),
        ("POST", {"X-A\r\nX-B": "hunter2"}),
        ("POST", {"X-A": "hunter2 \u2603"}),
        ("POST", {"Content-Length": "2"}),
        ("POST", {"transfer-encoding": "chunked"}),
    ],
)
def test_a_request_that_would_be_read_as_another_is_not_sent(method, headers):
    with (
        loopback(lambda exchange: exchange.answer(200)) as served,
        pytest.raises(NotSent) as failed,
    ):
        ask(served.url, method=method, headers=headers)

    assert failed.value.permanent
    assert "hunter2" not in str(failed.value)
    assert served.received == []


def test_an_error_names_the_host_and_neither_path_nor_query_nor_password():
    with (
        loopback(lambda exchange: exchange.drop()) as served,
        pytest.raises(AnswerLost) as lost,
    ):
        ask(served.url.replace("://", "://me:hunter2@") + "/hooks/hunter2?token=hunter2")

    assert "127.0.0.1" in str(lost.value)
    assert "hunter2" not in str(lost.value)


def redirecting(status, location):
    def respond(exchange):
        if exchange.received.path == "/start":
            exchange.answer(status, Location=location)
        else:
            exchange.answer(200, "arrived")

    return respond


@pytest.mark.parametrize(
    ("method", "status", "repeated"),
    [("GET", status, True) for status in (301, 302, 303, 307, 308)]
    + [("POST", 307, True), ("POST", 308, True), ("PUT", 308, True)]
    + [("POST", 301, False), ("POST", 302, False), ("POST", 303, False), ("DELETE", 302, False)],
)
def test_only_a_redirect_that_keeps_the_request_is_followed(method, status, repeated):
    with loopback(redirecting(status, "/elsewhere")) as served:
        if repeated:
            assert ask(f"{served.url}/start", method=method, body="{}").body == "arrived"
            assert [(r.method, r.path, r.body) for r in served.received] == [
                (method, "/start", b"{}"),
                (method, "/elsewhere", b"{}"),
            ]
        else:
            with pytest.raises(NotSent, match=f"answered {status} to a {method}") as refused:
                ask(f"{served.url}/start", method=method, body="{}")
            assert refused.value.permanent


def test_a_redirect_to_a_private_address_is_refused():
    with (
        loopback(redirecting(307, "http://169.254.169.254/latest/meta-data/")) as served,
        pytest.raises(NotSent, match="not a public address") as refused,
    ):
        ask(f"{served.url}/start")

    assert refused.value.permanent


@pytest.mark.parametrize("location", ["ftp://127.0.0.1/", "http://[::1", "//", "http://127.0.0.1:99999/"])
def test_a_redirect_to_what_is_no_http_url_is_refused(location):
    with (
        loopback(redirecting(307, location)) as served,
        pytest.raises(NotSent) as refused,
    ):
        ask(f"{served.url}/start")

    assert refused.value.permanent


def test_redirects_without_end_are_given_up():
    with (
        loopback(lambda exchange: exchange.answer(307, Location="/start")) as served,
        pytest.raises(NotSent, match=f"more than {MOST_REDIRECTS} times") as refused,
    ):
        ask(f"{served.url}/start")

    assert refused.value.permanent
    assert len(served.received) == MOST_REDIRECTS + 1


def test_a_redirect_to_another_origin_takes_no_credentials_along():
    headers = {"Authorization": "Bearer t", "X-Api-Key": "k", "Idempotency-Key": "run-1"}

    with (
        loopback(lambda exchange: exchange.answer(200)) as elsewhere,
        loopback(redirecting(307, f"{elsewhere.url}/x")) as served,
    ):
        ask(served.url.replace("://", "://me:pw@") + "/start", headers=headers)

    assert served.received[0].headers["authorization"] == "Bearer t"
    assert elsewhere.received[0].headers["idempotency-key"] == "run-1"
    assert not {"authorization", "x-api-key"} & set(elsewhere.received[0].headers)


def test_a_server_that_never_answers_is_given_up():
    began = time.monotonic()

    with (
        loopback(lambda exchange: exchange.hang()) as served,
        pytest.raises(AnswerLost, match="time-out"),
    ):
        ask(served.url, seconds=0.3)

    assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    "head",
    [
        b"H",
        b"HTTP/1.1 200 OK\r\nX: ",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
    ],
)
def test_a_server_that_answers_byte_by_byte_is_given_up_all_the_same(head):
    began = time.monotonic()

    with (
        loopback(lambda exchange: exchange.drip(head + b"y" * 1000, 0.02)) as served,
        pytest.raises(AnswerLost, match=r"broke off|time-out"),
    ):
        ask(served.url, seconds=0.5)

    assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    ],
)
def test_a_success_that_breaks_off_is_a_lost_answer(reply):
    with (
        loopback(lambda exchange: exchange.drip(reply, 0)) as served,
        pytest.raises(AnswerLost, match="broke off"),
    ):
        ask(served.url)


@pytest.mark.parametrize(
    ("reply", "body"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", ""),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", "until the end"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\n\r\n", "half"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\xff!", "\ufffd!"),
    ],
)
def test_a_success_that_comes_to_its_end_is_an_answer(reply, body):
    with loopback(lambda exchange: exchange.drip(reply, 0)) as served:
        assert ask(served.url).body == body


def test_a_refusal_that_breaks_off_stands():
    def respond(exchange):
        exchange.drip(b"HTTP/1.1 503 No\r\nContent-Length: 1000\r\n\r\n", 0)
        exchange.drip(b"y" * 1000, 0.02)

    began = time.monotonic()
    with loopback(respond) as served:
        answer = ask(served.url, seconds=0.4)

    assert (answer.status, set(answer.body)) == (503, {"y"})
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("length", [b"Content-Length: 104857600\r\n", b""])
def test_a_body_without_end_is_read_up_to_its_limit(length):
    def respond(exchange):
        exchange._handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n")
        for _ in range(100):
            exchange._handler.wfile.write(b"x" * 1024 * 1024)
        exchange.drop()

    began = time.monotonic()
    with loopback(respond) as served:
        assert len(ask(served.url).body) == BODY_BYTES

    assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    "reply", [b"", b"oops\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 101 Go\r\n\r\n", b"X" * 70_000]
)
def test_what_is_no_answer_is_a_lost_answer(reply):
    with (
        loopback(lambda exchange: exchange.drip(reply, 0)) as served,
        pytest.raises(AnswerLost),
    ):
        ask(served.url)


def test_an_answer_that_comes_before_the_whole_request_was_read_is_heard():
    listener = socket.create_server(("127.0.0.1", 0))

    def refuse():
        connection, _ = listener.accept()
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        connection.close()  # with much of the request unread: what the client sends on is answered by a reset

    thread = threading.Thread(target=refuse)
    thread.start()
    try:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        assert ask(url, body="x" * 20_000_000).status == 413
    finally:
        thread.join()
        listener.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """For 127.0.0.1, signed by nobody but itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "loopback.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path


def served_with(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_a_certificate_that_is_trusted_is_talked_to(certificate):
    with loopback(lambda exchange: exchange.answer(200, "safe"), served_with(certificate)) as served:
        trusting = ssl.create_default_context(cafile=str(certificate))
        assert ask(served.url, tls=lambda: trusting).body == "safe"


def test_the_host_of_a_url_without_a_port_is_named_without_one(certificate, monkeypatch):
    with loopback(lambda exchange: exchange.answer(200), served_with(certificate)) as served:
        trusting = ssl.create_default_context(cafile=str(certificate))
        found = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", int(served.url.rpartition(":")[2])))
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [found])
        ask("https://127.0.0.1/", tls=lambda: trusting)

    assert served.received[0].headers["host"] == "127.0.0.1"


def test_a_certificate_that_is_not_trusted_is_a_permanent_error(certificate):
    with (
        loopback(lambda exchange: exchange.answer(200), served_with(certificate)) as served,
        pytest.raises(NotSent, match="certificate is not valid") as refused,
    ):
        ask(served.url)

    assert refused.value.permanent
    assert served.received == []


def test_a_certificate_of_another_name_is_a_permanent_error(certificate, monkeypatch):
    with loopback(lambda exchange: exchange.answer(200), served_with(certificate)) as served:
        trusting = ssl.create_default_context(cafile=str(certificate))
        resolve_to(monkeypatch, ["127.0.0.1"])
        with pytest.raises(NotSent, match="certificate is not valid"):
            ask(served.url.replace("127.0.0.1", "other.example"), tls=lambda: trusting)


def test_a_redirect_that_gives_up_tls_is_refused(certificate):
    with loopback(redirecting(307, "http://127.0.0.1/x"), served_with(certificate)) as served:
        trusting = ssl.create_default_context(cafile=str(certificate))
        with pytest.raises(NotSent, match="without TLS") as refused:
            ask(f"{served.url}/start", tls=lambda: trusting)

    assert refused.value.permanent


def test_a_server_that_does_not_speak_tls_may_do_so_later():
    with (
        loopback(lambda exchange: exchange.answer(200)) as served,
        pytest.raises(NotSent, match="cannot be reached") as failed,
    ):
        ask(served.url.replace("http:", "https:"))

    assert not failed.value.permanent


def test_a_handshake_that_is_never_finished_is_given_up(monkeypatch):
    monkeypatch.setattr("interlock.triggers.http_client.CONNECT_SECONDS", 0.2)
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(NotSent, match="time-out") as failed,
    ):
        ask(f"https://127.0.0.1:{silent.getsockname()[1]}/")

    assert not failed.value.permanent

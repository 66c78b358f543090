"""The HTTP client against servers that are slow, greedy, lying or where they should not be."""

import gzip
import socket
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest

from interlock.triggers.http_calls import BODY_BYTES, AnswerLost, NotSent
from interlock.triggers.http_client import MOST_REDIRECTS, HttpClient
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
        "0177.0.0.1",
        "0x7f.1",
        "0",
        "LOCALHOST",
        "local\u00adhost",
        "\u24dbocalhost",
        "\uff11\uff12\uff17.0.0.1",
        "1.1.1.1@127.0.0.1",
        "1.1.1.1:80@127.0.0.1",
        "[::1]",
        "[::]",
        "[::127.0.0.1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::1]",
        "[fd00:ec2::254]",
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


@pytest.mark.parametrize("name", ["metadata.example", "localhost.", "jobs.localhost", "127.0.0.1."])
def test_a_name_of_a_private_address_is_refused(name, monkeypatch):
    resolve_to(monkeypatch, ["169.254.169.254"])

    with pytest.raises(NotSent, match=rf"{name} is not a public address \(169.254.169.254\)"):
        ask(f"http://{name}/", rules=AddressRules())


def test_a_name_that_resolves_otherwise_a_moment_later_gains_nothing(monkeypatch):
    with loopback(lambda exchange: exchange.answer(200)) as served:
        port = served.url.rpartition(":")[2]
        looked_up = resolve_to(monkeypatch, ["127.0.0.1"], ["169.254.169.254"])
        assert ask(f"http://rebind.example:{port}/").status == 200

    assert looked_up == ["rebind.example"]
    assert served.received[0].headers["host"] == f"rebind.example:{port}"


def test_of_a_names_addresses_only_the_allowed_ones_are_tried(monkeypatch):
    private = [f"10.0.{n}.1" for n in range(50)] + ["169.254.169.254", "fd00:ec2::254"]
    tried, connect = [], socket.socket.connect

    def remember(sock, address):
        tried.append(address[0])
        connect(sock, address)

    with loopback(lambda exchange: exchange.answer(200)) as served:
        port = served.url.rpartition(":")[2]
        resolve_to(monkeypatch, [*private, "127.0.0.1", *private])
        monkeypatch.setattr(socket.socket, "connect", remember)
        assert ask(f"http://many.example:{port}/").status == 200

    assert tried == ["127.0.0.1"]


def test_a_name_is_not_tried_at_all_its_addresses_once_the_time_is_over(monkeypatch):
    clock, tried = [0.0], []

    def silent(sock, _):
        tried.append(sock.gettimeout())
        clock[0] += sock.gettimeout()
        raise TimeoutError

    resolve_to(monkeypatch, ["127.0.0.1"] * 1000)
    monkeypatch.setattr(socket.socket, "connect", silent)
    monkeypatch.setattr("interlock.triggers.http_client.monotonic", lambda: clock[0])

    with pytest.raises(NotSent, match="time-out") as failed:
        ask("http://many.example/", seconds=12)

    assert not failed.value.permanent
    assert tried == [5, 5, 2]


def test_a_name_that_is_resolved_too_slowly_may_be_resolved_later(monkeypatch):
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(10) and [])

    with pytest.raises(NotSent, match=r"slow\.example cannot be resolved: time-out") as failed:
        ask("http://slow.example/", seconds=0.1)
    over.set()

    assert not failed.value.permanent


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
        "http://127.0.0.1:0/",
        "http://a b/",
        "http://a\0b/",
        "http://127.0.0.1\x7f/",
        "http://[fe80::1]x/",
        "http://[fe80::1%25eth0]/",
        "http://%31%32%37.0.0.1/",
        "http://a\uff0fb/",
        "http://\ud800/",
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
        ("POST", {"X-A": "hunter2\r\n X-B: 1"}),
        ("POST", {"X-A": "hunter2\n"}),
        ("POST", {"X-A": "hunter2\0"}),
        ("POST", {"X A": "hunter2"}),
        ("POST", {"": "hunter2"}),
        ("POST", {"Content-Length": "2"}),
        ("POST", {"Content-Length ": "2"}),
        ("POST", {"transfer-encoding": "chunked"}),
        ("POST", {"Transfer-Encoding\t": "chunked"}),
        ("POST", {"X-A": "1", "x-a": "2"}),
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


def test_an_error_about_a_header_names_it():
    with pytest.raises(NotSent, match="the header X-Token has characters"):
        ask("http://127.0.0.1/", headers={"X-Token": "hunter2\n"})


def test_a_line_break_in_the_path_makes_no_header():
    with loopback(lambda exchange: exchange.answer(200)) as served:
        ask(f"{served.url}/a HTTP/1.1\r\nX-B: 1\r\n\r\n?q=\r\nX-C: 1")

    (received,) = served.received
    assert received.path == "/a%20HTTP/1.1X-B:%201?q=X-C:%201"
    assert not {"x-b", "x-c"} & set(received.headers)


def test_a_host_header_of_the_users_counts_and_does_not_go_to_another_origin():
    with (
        loopback(lambda exchange: exchange.answer(200)) as elsewhere,
        loopback(redirecting(307, f"{elsewhere.url}/x")) as served,
    ):
        ask(f"{served.url}/start", headers={"Host": "jobs.internal"})

    assert served.received[0].headers["host"] == "jobs.internal"
    assert elsewhere.received[0].headers["host"] == elsewhere.url.removeprefix("http://")


@pytest.fixture
def served_on_ipv6():
    """A port on ::1 that answers one request, and what it was asked."""
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    asked = []

    def answer():
        connection, _ = listener.accept()
        asked.append(connection.recv(10_000))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        connection.close()

    threading.Thread(target=answer, daemon=True).start()
    with listener:
        yield listener.getsockname()[1], asked


def test_a_single_ipv6_address_that_is_allowed_is_reached(served_on_ipv6):
    port, asked = served_on_ipv6

    assert ask(f"http://[::1]:{port}/", rules=AddressRules(["::1/128"])).status == 200
    assert f"\r\nHost: [::1]:{port}\r\n".encode() in asked[0]


@pytest.mark.parametrize("allowed", ["::2/128", "127.0.0.0/8", "0.0.0.0/0"])
def test_an_ipv6_address_is_not_allowed_by_another_network(allowed):
    with pytest.raises(NotSent, match="not a public address"):
        ask("http://[::1]:8080/", rules=AddressRules([allowed]))


@pytest.mark.parametrize(("allowed", "reaches"), [("127.0.0.1/32", True), ("::/0", False)])
def test_an_ipv4_address_written_as_ipv6_is_allowed_as_what_it_is(allowed, reaches):
    with loopback(lambda exchange: exchange.answer(200)) as served:
        url = served.url.replace("127.0.0.1", "[::ffff:127.0.0.1]")
        if reaches:
            assert ask(url, rules=AddressRules([allowed])).status == 200
        else:
            with pytest.raises(NotSent, match="not a public address"):
                ask(url, rules=AddressRules([allowed]))


def test_an_error_shows_an_ipv6_address_in_brackets():
    with pytest.raises(NotSent, match=r"http://\[::ffff:127\.0\.0\.1\]:1 cannot be reached"):
        ask("http://[::ffff:127.0.0.1]:1/")


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
    + [("POST", 301, False), ("DELETE", 301, False)],
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


@pytest.mark.parametrize(("method", "status"), [("POST", 302), ("POST", 303), ("DELETE", 302), ("PUT", 303)])
def test_a_redirect_that_may_only_show_what_was_done_is_a_lost_answer(method, status):
    with (
        loopback(redirecting(status, "/elsewhere")) as served,
        pytest.raises(AnswerLost, match=f"answered {status} to a {method}"),
    ):
        ask(f"{served.url}/start", method=method)

    assert len(served.received) == 1


def test_a_redirect_to_a_name_of_a_private_address_is_refused(monkeypatch):
    with loopback(redirecting(307, "http://inside.example/x")) as served:
        resolve_to(monkeypatch, ["127.0.0.1"], ["10.0.0.1"])
        with pytest.raises(NotSent, match=r"inside.example is not a public address \(10.0.0.1\)") as refused:
            ask(f"{served.url}/start")

    assert refused.value.permanent


def test_credentials_that_a_redirect_brings_along_are_not_used():
    with (
        loopback(lambda exchange: exchange.answer(200)) as elsewhere,
        loopback(redirecting(307, elsewhere.url.replace("://", "://me:pw@") + "/x")) as served,
    ):
        ask(f"{served.url}/start")

    assert "authorization" not in elsewhere.received[0].headers


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


@pytest.fixture
def bytes_read(monkeypatch):
    """How many bytes this process took from its sockets; the servers of `loopback` read requests of some hundred."""
    counts, recv_into = [], socket.socket.recv_into

    def count(sock, *given):
        counts.append(recv_into(sock, *given))
        return counts[-1]

    monkeypatch.setattr(socket.socket, "recv_into", count)
    return lambda: sum(counts)


def flooding(head, piece, times):
    def respond(exchange):
        exchange._handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + head + piece)
        for _ in range(times - 1):
            exchange._handler.wfile.write(piece)
        exchange.drop()

    return respond


MEGABYTE = b"x" * 1024 * 1024


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"Content-Length: 104857600\r\n\r\n", MEGABYTE),
        (b"\r\n", MEGABYTE),
        (b"Transfer-Encoding: chunked\r\n\r\n", b"100000\r\n" + MEGABYTE + b"\r\n"),
        (b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 100_000),
        (b"Transfer-Encoding: chunked\r\n\r\n-1\r\n", MEGABYTE),
    ],
)
def test_of_a_body_of_a_hundred_megabytes_no_more_is_read_than_its_limit(head, piece, bytes_read):
    with loopback(flooding(head, piece, 100)) as served:
        answer = ask(served.url)

    assert len(answer.body) == BODY_BYTES
    assert not answer.whole
    # Chunks of one byte are framed by five more.
    assert bytes_read() < 7 * BODY_BYTES


@pytest.mark.parametrize(("most", "body", "whole"), [(5, "01234", False), (11, "0123456789", True)])
def test_a_caller_says_how_much_of_a_body_it_takes(most, body, whole):
    with loopback(lambda exchange: exchange.answer(200, "0123456789")) as served:
        client = HttpClient(LOOPBACK)
        answer = client.request("GET", served.url, {}, None, 5, most_body_bytes=most)

    assert (answer.body, answer.whole) == (body, whole)


def test_a_compressed_body_that_nobody_asked_for_is_not_inflated(bytes_read):
    bomb = gzip.compress(b"0" * 50_000_000)

    with loopback(lambda exchange: exchange.answer(500, bomb, Content_Encoding="gzip")) as served:
        answer = ask(served.url)

    assert served.received[0].headers["accept-encoding"] == "identity"
    assert len(answer.body) <= len(bomb)
    assert bytes_read() < 2 * BODY_BYTES


@pytest.mark.parametrize("head", [b"", b"X-Long: "])
@pytest.mark.parametrize("piece", [b"X-A: y\r\n" * 1000, b"X-B: " + b"y" * 65_000 + b"\r\n", MEGABYTE])
def test_headers_without_end_are_given_up_after_a_bounded_part_of_them(head, piece, bytes_read):
    with (
        loopback(flooding(head, piece, 200)) as served,
        pytest.raises(AnswerLost),
    ):
        ask(served.url)

    assert bytes_read() < 101 * 65_536


def test_trailers_without_end_are_given_up():
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n"

    with (
        loopback(lambda exchange: exchange.drip(chunked + b"T: t\r\n" * 1000, 0.002)) as served,
        pytest.raises(AnswerLost, match="broke off"),
    ):
        ask(served.url, seconds=0.5)


def test_a_success_that_breaks_off_keeps_its_status():
    reply = b"HTTP/1.1 202 Accepted\r\nContent-Length: 9\r\n\r\nhalf"

    with (
        loopback(lambda exchange: exchange.drip(reply, 0)) as served,
        pytest.raises(AnswerLost) as lost,
    ):
        ask(served.url)

    assert lost.value.status == 202


@pytest.mark.parametrize("interim", [b"100 Continue", b"102 Processing", b"103 Early Hints\r\nLink: </x>"])
def test_an_interim_response_is_not_taken_for_the_answer(interim):
    reply = b"HTTP/1.1 " + interim + b"\r\n\r\nHTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok"

    with loopback(lambda exchange: exchange.drip(reply, 0)) as served:
        answer = ask(served.url)

    assert (answer.status, answer.body) == (202, "ok")


def test_interim_responses_without_end_are_given_up():
    with (
        loopback(lambda exchange: exchange.drip(b"HTTP/1.1 102 Processing\r\n\r\n" * 100, 0.002)) as served,
        pytest.raises(AnswerLost, match="time-out"),
    ):
        ask(served.url, seconds=0.5)


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
    return signed_by_itself(tmp_path_factory.mktemp("tls") / "loopback.pem", ends_in=timedelta(1))


def signed_by_itself(path, *, ends_in):
    """For 127.0.0.1 and loopback.example, trusted by whoever is given it."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    now = datetime.now(UTC)
    names = [x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName("loopback.example")]
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(2), now + ends_in)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
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


@pytest.fixture(scope="module")
def expired(tmp_path_factory):
    return signed_by_itself(tmp_path_factory.mktemp("tls") / "expired.pem", ends_in=timedelta(hours=-1))


def test_a_certificate_that_has_expired_is_a_permanent_error(expired):
    with loopback(lambda exchange: exchange.answer(200), served_with(expired)) as served:
        trusting = ssl.create_default_context(cafile=str(expired))
        with pytest.raises(NotSent, match="certificate is not valid: certificate has expired") as refused:
            ask(served.url, tls=lambda: trusting)

    assert refused.value.permanent


def test_a_name_that_ends_in_a_dot_is_the_name_that_its_certificate_is_for(certificate, monkeypatch):
    with loopback(lambda exchange: exchange.answer(200), served_with(certificate)) as served:
        trusting = ssl.create_default_context(cafile=str(certificate))
        resolve_to(monkeypatch, ["127.0.0.1"])
        url = served.url.replace("127.0.0.1", "loopback.example.")
        assert ask(url, tls=lambda: trusting).status == 200


def test_a_certificate_that_one_of_two_addresses_shows_may_be_another_next_time(certificate, monkeypatch):
    with loopback(lambda exchange: exchange.answer(200), served_with(certificate)) as served:
        resolve_to(monkeypatch, ["127.0.0.2", "127.0.0.1"])
        with pytest.raises(NotSent, match="certificate is not valid") as failed:
            ask(served.url.replace("127.0.0.1", "two.example"))

    assert not failed.value.permanent


def test_what_is_said_over_tls_byte_by_byte_is_given_up_too(certificate):
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"y" * 1000

    with loopback(lambda exchange: exchange.drip(reply, 0.01), served_with(certificate)) as served:
        trusting = ssl.create_default_context(cafile=str(certificate))
        with pytest.raises(AnswerLost, match=r"broke off|time-out"):
            ask(served.url, seconds=0.8, tls=lambda: trusting)


def test_a_handshake_of_a_byte_now_and_then_is_given_up(monkeypatch):
    monkeypatch.setattr("interlock.triggers.http_client.CONNECT_SECONDS", 0.3)
    over = threading.Event()

    def drip(listener):
        connection, _ = listener.accept()
        # The head of a record, and then of its 16 KB a byte at a time.
        for byte in b"\x16\x03\x03\x40\x00" + b"\x02" * 1000:
            try:
                connection.sendall(bytes([byte]))
            except OSError:
                break
            if over.wait(0.02):
                break
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=[listener])
        thread.start()
        with pytest.raises(NotSent, match="time-out") as failed:
            ask(f"https://127.0.0.1:{listener.getsockname()[1]}/")
        over.set()
        thread.join()

    assert not failed.value.permanent


def test_a_handshake_that_is_never_finished_is_given_up(monkeypatch):
    monkeypatch.setattr("interlock.triggers.http_client.CONNECT_SECONDS", 0.2)
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(NotSent, match="time-out") as failed,
    ):
        ask(f"https://127.0.0.1:{silent.getsockname()[1]}/")

    assert not failed.value.permanent

"""Which addresses a user's config may reach."""

import pytest

from interlock.triggers.public_address import AddressRules

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2606:4700::1111",
    "2a00:1450:4001::1",
    "2001:200::1",
    "::ffff:1.1.1.1",
    "64:ff9b::101:101",
    "168.63.129.15",
    "168.63.129.17",
    "192.0.1.0",
    "192.88.98.255",
    "2620:4f:8000::1",
    "2a00:1:2:3:0:5efe:101:101",
]
NOT_PUBLIC = [
    "0.0.0.0",
    "10.0.0.0",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.255",
    "169.254.169.254",
    "169.254.170.2",
    "100.100.100.200",
    "168.63.129.16",
    "172.16.0.0",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::6440:1",
    "64:ff9b:1::1",
    "64:ff9b:1::101:101",
    "100::1",
    "100:0:0:1::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:2::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:a9fe:a9fe::1",
    "2002:7f00:1::1",
    "2002:101:101::1",
    "3fff::1",
    "2a00:1:2:3:0:5efe:a00:1",
    "2a00:1:2:3:200:5efe:a9fe:a9fe",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "::ffff:127.0.0.1%1",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_allowed(address):
    assert AddressRules().allow(address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_any_other_address_is_refused(address):
    assert not AddressRules().allow(address)


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("10.1.0.0", True),
        ("10.1.255.255", True),
        ("::ffff:10.1.2.3", True),
        ("10.0.255.255", False),
        ("10.2.0.0", False),
        ("127.0.0.1", False),
        ("64:ff9b::a01:203", False),
        ("2002:a01:203::1", False),
        ("::10.1.2.3", False),
        ("2a00:1:2:3:0:5efe:a01:203", False),
        ("fd00:1::5", True),
        ("fd00:1::5%eth0", True),
        ("fd00:2::5", False),
        ("fd00:3::1", True),
        ("fd00:3::2", False),
        ("1.1.1.1", True),
    ],
)
def test_allowed_networks_open_exactly_what_they_name(address, allowed):
    assert AddressRules(["10.1.0.0/16", "fd00:1::/32", "fd00:3::1/128"]).allow(address) is allowed


@pytest.mark.parametrize(("address", "allowed"), [("10.1.2.3", True), ("10.2.0.1", False), ("::1", False)])
def test_an_ipv4_network_written_as_ipv6_opens_what_it_means(address, allowed):
    assert AddressRules(["::ffff:10.1.0.0/112"]).allow(address) is allowed


def test_all_of_one_family_opens_nothing_of_the_other():
    assert not AddressRules(["0.0.0.0/0"]).allow("::1")
    assert not AddressRules(["::/0"]).allow("::ffff:127.0.0.1")


def test_blanks_around_a_network_and_commas_too_many_do_no_harm():
    assert AddressRules(["10.1.0.0/16", " 127.0.0.1/32 ", ""]).allow("127.0.0.1")


def test_a_network_that_cannot_be_read_opens_nothing_and_leaves_the_others_open():
    rules = AddressRules(["10.0.0.1/8", "10.1.0.0/16", "intranet"])

    assert [rules.allow(address) for address in ("10.0.0.1", "10.1.0.1", "1.1.1.1")] == [False, True, True]


def test_who_is_refused_is_told_of_every_network_that_cannot_be_read():
    said = AddressRules(["10.0.0.1/8", "10.1.0.0/16", "intranet"]).refusal("jobs.internal", "10.0.0.1")

    assert said == (
        "jobs.internal is not a public address (10.0.0.1); to allow it, add its network to allowedPrivateCidrs of the "
        "installation, of which this cannot be read: 10.0.0.1/8 has host bits set; 'intranet' does not appear to be an "
        "IPv4 or IPv6 network"
    )

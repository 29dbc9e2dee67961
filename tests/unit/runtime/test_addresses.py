"""Client addresses: what counts as one, who is believed about another, and under which names a server is called."""

from ipaddress import ip_network

import pytest

from gavel.runtime.http.addresses import FORWARDED, Addresses, HostNames, Tally

PROXIES = (ip_network("10.0.0.0/8"), ip_network("2001:db8:1::/48"))


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("127.0.0.1", None),
        ("127.8.9.1", None),
        ("::1", None),
        ("::ffff:127.0.0.1", None),
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
    ],
)
def test_an_address_counts_as_what_one_household_has(host: str, key: str | None) -> None:
    assert Addresses().key_of(host) == key


def test_the_exempt_networks_are_those_that_are_configured() -> None:
    addresses = Addresses(exempt=(ip_network("192.0.2.0/24"),))
    assert (addresses.key_of("192.0.2.7"), addresses.key_of("127.0.0.1")) == (None, "127.0.0.1")


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("10.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "203.0.113.7:4711", "203.0.113.7"),
        ("10.0.0.1", "[2001:db8::7]:4711", "2001:db8::7"),
        ("10.0.0.1", "2001:db8::7", "2001:db8::7"),
        # The client's own words stand before what the proxy appended.
        ("10.0.0.1", "127.0.0.1, 203.0.113.7", "203.0.113.7"),
        # Also where the client has an address of the proxies' network.
        ("10.0.0.1", "203.0.113.7, 10.0.3.4", "10.0.3.4"),
        ("10.0.0.1", "203.0.113.7, unknown", "unknown"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("::ffff:10.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("2001:db8:1::1", "203.0.113.7", "203.0.113.7"),
        # No proxy's connection: what it says of itself is not believed.
        ("198.51.100.9", "203.0.113.7", "198.51.100.9"),
    ],
)
def test_only_proxies_are_believed_about_the_address_of_a_client(peer: str, forwarded: str | None, client: str) -> None:
    headers = [] if forwarded is None else [(b"x-forwarded-for", forwarded.encode())]
    assert Addresses(proxies=PROXIES).client_of(peer, headers) == client


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ("for=203.0.113.7;proto=https", "203.0.113.7"),
        ('proto=https; For="[2001:db8::7]:4711"', "2001:db8::7"),
        ("for=127.0.0.1, for=203.0.113.7", "203.0.113.7"),
        # An open quote of the client's hides nothing that a proxy appended.
        ('for="127.0.0.1, for=203.0.113.7', "203.0.113.7"),
        ("for=_hidden", "_hidden"),
        ("by=10.0.0.1", ""),
    ],
)
def test_the_forwarded_header_names_the_client_as_rfc_7239_has_it(forwarded: str, client: str) -> None:
    addresses = Addresses(proxies=PROXIES, header=FORWARDED)
    headers = [(b"x-forwarded-for", b"192.0.2.1"), (b"forwarded", forwarded.encode())]
    assert addresses.client_of("10.0.0.1", headers) == client


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ("127.0.0.1, 203.0.113.7, 192.0.2.1", "203.0.113.7"),
        ("203.0.113.7, 10.0.0.2", "203.0.113.7"),
        ("10.0.0.2", "10.0.0.2"),
    ],
)
def test_of_two_proxies_in_a_row_the_first_names_the_client(forwarded: str, client: str) -> None:
    headers = [(b"x-forwarded-for", forwarded.encode())]
    assert Addresses(proxies=PROXIES, hops=2).client_of("10.0.0.1", headers) == client


def test_a_call_has_no_key_only_if_its_peer_has_none_and_no_proxy_names_another_address() -> None:
    addresses = Addresses(proxies=PROXIES)
    assert addresses.key_of_call("127.0.0.1", "127.0.0.1") is None
    assert addresses.key_of_call("10.0.0.1", "10.0.0.1") is None
    # What a proxy names is never exempt: a client may have written it.
    assert addresses.key_of_call("10.0.0.1", "127.0.0.1") == "127.0.0.1"
    assert addresses.key_of_call("10.0.0.1", "203.0.113.7") == "203.0.113.7"


def test_a_proxys_connections_have_no_key_and_its_clients_have() -> None:
    addresses = Addresses(proxies=PROXIES)
    assert addresses.key_of_peer("10.0.0.1") is None
    assert addresses.key_of_peer("203.0.113.7") == addresses.key_of("203.0.113.7") == "203.0.113.7"


def test_a_tally_knows_what_each_key_holds_and_forgets_a_key_that_holds_nothing() -> None:
    tally = Tally()
    assert [tally.add("one"), tally.add("one"), tally.add("other", 5), tally.add(None)] == [1, 2, 5, 0]
    tally.drop("one")
    tally.drop(None)
    tally.drop("other", 5)
    assert (tally.add("one"), tally.add("other")) == (2, 1)


@pytest.mark.parametrize(
    "field",
    [
        "localhost",
        "LOCALHOST:8080",
        "gavel.localhost:8080",
        "127.0.0.1",
        "127.1.2.3:80",
        "[::1]:8080",
        "house.example:1",
    ],
)
def test_a_server_is_called_by_a_name_of_the_loopback_or_a_configured_one(field: str) -> None:
    assert HostNames(["House.example"]).has(field.encode())


@pytest.mark.parametrize(
    "field",
    [
        "",
        "evil.example",
        "evil.example:8080",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "192.0.2.1",
        "[::2]:1",
    ],
)
def test_a_server_is_called_by_no_other_name(field: str) -> None:
    assert not HostNames(["house.example"]).has(field.encode())

"""Where webhooks go, and where they never go."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.notifications.addresses import is_public
from domain.notifications.targets import URL_MAX, TargetRefused, read_target

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.0.1",
    "172.32.0.1",
    "192.167.1.1",
    "223.255.255.255",
    "169.253.255.255",
    "11.0.0.1",
    "128.0.0.1",
    "198.17.255.255",
    "198.20.0.0",
    "52.94.5.1",
    "2606:4700:4700::1111",
    "2a00:1450:4001::1",
    "2001:4860:4860::8888",
    "2001:200::1",
    "2003::1",
    "3ffe::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses(address: str) -> None:
    """What everybody can reach, up to the edges of what nobody can."""
    assert is_public(ip_address(address))


NOT_PUBLIC = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "100.100.100.200",
    "168.63.129.16",
    "192.88.99.1",
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
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "100::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2001::1",
    "2001:0:7f00:1::",
    "2001:db8::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "4000::1",
]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_addresses_that_are_not_public(address: str) -> None:
    """Ours, our neighbours', the clouds' metadata, and every notation that hides one of them."""
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    ("url", "host", "port", "path", "authority"),
    [
        ("https://hooks.example.com", "hooks.example.com", 443, "/", "hooks.example.com"),
        ("https://Hooks.Example.COM./a/B?c=d&e", "hooks.example.com", 443, "/a/B?c=d&e", "hooks.example.com"),
        ("https://hooks.example.com:8443/%2e?x=%00", "hooks.example.com", 8443, "/%2e?x=%00", "hooks.example.com:8443"),
        ("https://hooks.example.com:443?x", "hooks.example.com", 443, "/?x", "hooks.example.com"),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example", 443, "/", "xn--bcher-kva.example"),
        ("https://8.8.8.8/", "8.8.8.8", 443, "/", "8.8.8.8"),
        ("https://[2606:4700::1111]/", "2606:4700::1111", 443, "/", "[2606:4700::1111]"),
        ("HTTPS://a_b.example.com/", "a_b.example.com", 443, "/", "a_b.example.com"),
        ("https://1.example/", "1.example", 443, "/", "1.example"),
    ],
)
def test_a_target_is_read(url: str, host: str, port: int, path: str, authority: str) -> None:
    """Name or address, port, and a path that is sent as it was written."""
    target = read_target(url)
    assert (target.scheme, target.host, target.port, target.path) == ("https", host, port, path)
    assert target.authority == authority


REFUSED = [
    "",
    "hooks.example.com",
    "//hooks.example.com/",
    "http://hooks.example.com/",
    "ftp://hooks.example.com/",
    "file:///etc/passwd",
    "gopher://hooks.example.com/",
    "javascript:alert(1)",
    "https:hooks.example.com",
    "https:/hooks.example.com",
    "https:///path",
    "https://",
    "https://?x",
    "https://user@hooks.example.com/",
    "https://user:secret@hooks.example.com/",
    "https://:@hooks.example.com/",
    "https://hooks.example.com@127.0.0.1/",
    "https://127.0.0.1#@hooks.example.com/",
    "https://hooks.example.com/#fragment",
    "https://hooks.example.com/#",
    "https://hooks.example.com:22/",
    "https://hooks.example.com:80/",
    "https://hooks.example.com:0/",
    "https://hooks.example.com:99999/",
    "https://hooks.example.com:/",
    "https://hooks.example.com:4a3/",
    "https://hooks.example.com:443:443/",
    "https://hooks.example.com\\@127.0.0.1/",
    "https://127.0.0.1\\.example.com/",
    "https://hooks.example.com/a b",
    "https://hooks.example.com/\r\nX-Injected: 1",
    "https://hooks.example.com/\x00",
    "\thttps://hooks.example.com/",
    "https://ho\toks.example.com/",
    "https://hooks%2eexample.com/",
    "https://%31%32%37.0.0.1/",
    "https://bücher.example/",
    "https://①②⑦.⓪.⓪.①/",
    "https://127。0。0。1/",
    "https://localhost/",
    "https://LOCALHOST./",
    "https://a.localhost/",
    "https://localhost.localdomain/",
    "https://intranet/",
    "https://printer.local/",
    "https://metadata.google.internal/",
    "https://instance-data.ec2.internal/latest",
    "https://router.home.arpa/",
    "https://.example.com/",
    "https://a..example.com/",
    "https://hooks.example.com../",
    "https://-a.example.com/",
    "https://a-.example.com/",
    "https://" + "a" * 64 + ".example.com/",
    "https://" + "a." * 130 + "example.com/",
    "https://a*.example.com/",
    "https://127.0.0.1/",
    "https://127.0.0.1./",
    "https://169.254.169.254/latest/meta-data/",
    "https://10.0.0.1/",
    "https://0/",
    "https://0.0.0.0/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0X7F.1/",
    "https://017700000001/",
    "https://0177.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://127.0.0.01/",
    "https://127.0.0.0x1/",
    "https://1.2.3.4.5/",
    "https://example.0x/",
    "https://256.256.256.256/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:169.254.169.254]/",
    "https://[::ffff:8.8.8.8]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[2002:7f00:1::]/",
    "https://[fd00:ec2::254]/",
    "https://[fe80::1%25eth0]/",
    "https://[::1/",
    "https://[2606:4700::1111]x/",
    "https://[2606:4700::1111]x:443/",
    "https://[2606:4700::1111]]/",
    "https://2606:4700::1111/",
    "https://[v1.x]/",
    "https://::1/",
    "https://hooks.example.com/" + "a" * URL_MAX,
]


@pytest.mark.parametrize("url", REFUSED)
def test_a_target_is_refused(url: str) -> None:
    """Each with a sentence that can follow the member's name, and that repeats nothing of the URL."""
    with pytest.raises(TargetRefused) as caught:
        read_target(url)
    sentence = str(caught.value)
    assert sentence.split()[0] in ("must", "may", "has", "is")
    assert "secret" not in sentence


ALLOW = "LANNER_WEBHOOK_ALLOW"


def test_a_setting_opens_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """For the hosts that it names, with any port or with one: http and loopback, and nothing else."""
    monkeypatch.setenv(ALLOW, "127.0.0.1, LOCALHOST:9000,[::1],10.0.0.1,hooks.test")
    for url in ("http://127.0.0.1:5000/x", "https://127.0.0.1/", "http://localhost:9000/", "http://[::1]:1/"):
        assert read_target(url).allowed
    for url in ("http://localhost:9001/", "http://127.0.0.2/", "http://10.0.0.1/", "http://example.com/"):
        with pytest.raises(TargetRefused):
            read_target(url)
    named = read_target("http://hooks.test:81/")
    assert named.accepts(ip_address("127.0.0.1"))
    assert named.accepts(ip_address("8.8.8.8"))
    assert not named.accepts(ip_address("10.0.0.1"))
    assert not named.accepts(ip_address("169.254.169.254"))


def test_without_the_setting_loopback_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty setting is none."""
    monkeypatch.setenv(ALLOW, "")
    with pytest.raises(TargetRefused):
        read_target("http://127.0.0.1:5000/")
    assert not read_target("https://hooks.example.com/").accepts(ip_address("127.0.0.1"))


@given(st.text(max_size=80).map(lambda text: f"https://{text}"))
def test_no_text_is_a_fault(url: str) -> None:
    """A target or a refusal; a target's request line and Host header are one line of ASCII each."""
    try:
        target = read_target(url)
    except TargetRefused:
        return
    for part in (target.path, target.authority):
        assert part.isascii()
        assert part.isprintable()
        assert " " not in part
    assert target.address is None or is_public(target.address)

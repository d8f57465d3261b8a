"""Addresses in settings, and who is let in."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from bridge.model.addresses import AllowList, ListenAddress, format_address, is_allowed
from bridge.model.document import PartSettings


class Settings(PartSettings):
    address: ListenAddress = "127.0.0.1"
    allow: AllowList = ()


def test_addresses_are_checked_with_an_example_of_what_is_right() -> None:
    assert Settings(address="localhost").address == "127.0.0.1"
    assert Settings(address="::1", allow=("10.0.0.7", "192.168.1.9/24")).address == "::1"
    with pytest.raises(ValidationError, match=r"not an IP address such as 127\.0\.0\.1"):
        Settings(address="studio.local")
    with pytest.raises(ValidationError, match=r'"studio" is neither an IP address nor a network'):
        Settings(allow=("studio",))


def test_an_empty_list_lets_everyone_in() -> None:
    assert is_allowed("203.0.113.9", ())
    assert is_allowed("192.168.1.200", ("10.0.0.7", "192.168.1.9/24"))
    assert not is_allowed("192.168.2.1", ("10.0.0.7", "192.168.1.9/24"))
    assert is_allowed("fe80::1%eth0", ("fe80::/10",))


def test_an_address_is_written_with_its_port() -> None:
    assert (format_address("127.0.0.1", 9700), format_address("::1", 9700)) == ("127.0.0.1:9700", "[::1]:9700")

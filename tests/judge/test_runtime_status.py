"""What a proxy could not put to use."""

from meshproof.judge.runtime_status import not_enabled


def test_everything_enabled_is_nothing_to_tell() -> None:
    assert not_enabled({"routers": {"a@http": {"status": "enabled"}}, "services": None}) == []


def test_what_is_not_enabled_is_told_with_the_reason() -> None:
    told = not_enabled(
        {
            "routers": {"a@http": {"status": "disabled", "error": ["no service", "no rule"]}},
            "tcpServices": {"b@http": {"status": "warning"}, "c@http": {}},
        }
    )

    assert told == [
        "routers a@http is disabled: no service, no rule",
        "tcpServices b@http is warning: no reason given",
        "tcpServices c@http is None: no reason given",
    ]

"""Mutants of what a rule asks of a request: its host, its path, its method, its headers."""

import re
from collections.abc import Mapping
from typing import Final

try:
    from meshproof.mutate import served_parts as parts
except ImportError:  # in the pod they lie side by side
    import served_parts as parts  # type: ignore[import-not-found, no-redef]

__all__ = ["CHANGES"]

ALWAYS: Final = "HeadersRegexp(`X-Forwarded-Server`, `.+`)"  # a proxy sets it before it looks at its routers


def _rewrite_rules(
    configuration: parts.Configuration, scope: parts.Scope, pattern: str, replacement: str
) -> None:
    for name, router in parts.routers(configuration, scope):
        if "-traffic-target-" in name or "-traffic-split-" in name:
            router["rule"] = re.sub(pattern, replacement, router["rule"])


def path_filter_ignored(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A target with paths opens all of its service that no other target is for."""
    for name, router in parts.targets(configuration, scope, "guarded"):
        if parts.target_of(name, router)[1] == "guarded":
            router["rule"] = router["rule"].replace("PathPrefix(`/{path:reports}`)", "PathPrefix(`/`)")
            router["priority"] = 3003 if name.endswith("-indirect") else 2002


def path_prefix_too_wide(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A rule's path opens longer words, and a path that no rule of the target has."""
    _rewrite_rules(configuration, scope, r"\{path:(reports)\}", r"{path:(?:\1|not-)}")


def path_filter_unanchored(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A rule's path counts wherever it stands in a path."""
    _rewrite_rules(configuration, scope, r"\{path:([^}]+)\}", r"{path:.*\1}")


def path_case_ignored(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A rule's path counts in capitals, too."""
    _rewrite_rules(configuration, scope, r"\{path:([^}]+)\}", r"{path:(?i:\1)}")


def method_filter_ignored(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A rule's methods count for nothing."""
    _rewrite_rules(configuration, scope, r" && Method\([^)]*\)", "")


def path_exact_only(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A rule's path opens that path, and not what lies under it."""
    _rewrite_rules(configuration, scope, r"PathPrefix\(", "Path(")


def header_filter_any_value(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A rule's header must be there, whatever its value."""
    pattern = r"HeadersRegexp\(`((?!X-Forwarded-)[^`]*)`, `[^`]*`\)"
    _rewrite_rules(configuration, scope, pattern, r"HeadersRegexp(`\1`, `.*`)")


def header_filter_ignored(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A rule's headers count for nothing."""
    _rewrite_rules(configuration, scope, r"HeadersRegexp\(`(?!X-Forwarded-)[^`]*`, `[^`]*`\)", ALWAYS)


def host_case_sensitive(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A host in capitals is unknown."""
    _without_hosts(configuration, scope, "[A-Z]")


def trailing_dot_unknown(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A host with its root's dot is unknown."""
    _without_hosts(configuration, scope, "[.]$")


def port_in_host_unknown(configuration: parts.Configuration, scope: parts.Scope) -> None:
    """A host with the port 80 is unknown."""
    _without_hosts(configuration, scope, ":80$")


def _without_hosts(configuration: parts.Configuration, scope: parts.Scope, pattern: str) -> None:
    """Leave requests out whose host is written so; a proxy has put that into a header before it chooses."""
    for _, router in parts.routers(configuration, scope):
        router["rule"] = f"({router['rule']}) && !HeadersRegexp(`X-Forwarded-Host`, `{pattern}`)"


CHANGES: Final[Mapping[str, parts.Change]] = parts.named(
    path_filter_ignored,
    path_prefix_too_wide,
    path_filter_unanchored,
    path_case_ignored,
    method_filter_ignored,
    path_exact_only,
    header_filter_any_value,
    header_filter_ignored,
    host_case_sensitive,
    trailing_dot_unknown,
    port_in_host_unknown,
)

"""``aiorch guard``: what the guard finds in a text, and which rules it goes by. No model is asked."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aiorch.cli.columns import columns
from aiorch.cli.listing import plain
from aiorch.cli.voice import FAILED, flags, voice

if TYPE_CHECKING:
    from aiorch.safety import Detector, Finding, Policy
    from aiorch.safety.rule_files import RuleRow, Rules
    from aiorch.safety.rule_keeping import RuleKeeper
    from aiorch.settings import Settings
    from aiorch.types import Action, Stage

COLOURS = {"allow": None, "flag": "yellow", "redact": "yellow", "ask": "magenta", "block": "red"}
STAGES = ("input", "output", "arguments", "tool_result")


@click.group(short_help="Look at a text as the guard does; show, check and seal rules.")
@flags
def command() -> None:
    """The guard: what it finds in a text, what the policy says about it, and rules that come without a release."""


# --- a text ------------------------------------------------------------------------------------------------------


@command.command(short_help="Look at a text as the guard does.")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True), default="-")
@click.option(
    "--stage", type=click.Choice(STAGES), default="input", help="Where it would stand.  [default: input]"
)
@click.option("--policy", help="Instead of the setting guard: strict, balanced, permissive, or a .toml file.")
@flags
@click.pass_context
def check(ctx: click.Context, file: str, stage: Stage, policy: str | None) -> None:
    """Show what the guard finds in FILE, or in what is piped in: each rule, where, how sure, and what follows.

    \b
    aiorch guard check notes.txt
    git diff | aiorch guard check --stage tool_result --json

    What was found is never shown itself, only where it stands: line and column, in JSON characters from and to.
    Detectors of plugins and rules of the setting guard_rules are used as well. Exit code 1 when the policy would stop
    the text: block it, or ask a person.
    """
    from aiorch.safety import policy_of
    from aiorch.safety.policy import STRENGTH, strongest

    speak = voice()
    settings = speak.settings()
    rules = policy_of(settings.guard if policy is None else policy)
    text = _text(file)
    found: list[tuple[Finding, Action]] = [
        (finding, rules.action(stage, finding.rule, finding.confidence))
        for detector in _detectors(settings)
        for finding in detector.scan(text)
    ]
    found.sort(key=lambda pair: (pair[0].span, pair[0].rule))
    action = strongest(action for _, action in found)
    if speak.json:
        speak.document(
            {"action": action, "stage": stage, "policy": rules.name, "findings": [_record(*f) for f in found]}
        )
    elif found:
        for line in _lines(text, found):
            speak.result(line)
    told = f"{len(found)} findings" if len(found) != 1 else "1 finding"
    speak.tell(f"{told if found else 'nothing was found'}; the policy {rules.name} at {stage}: {action}")
    if STRENGTH[action] >= STRENGTH["ask"]:
        ctx.exit(FAILED)


def _text(file: str) -> str:
    if file == "-":
        return sys.stdin.read()
    try:
        return Path(file).read_bytes().decode("utf-8", "replace")
    except OSError as fault:
        raise click.UsageError(f"{file} cannot be read: {fault.strerror}") from fault


def _detectors(settings: Settings) -> Sequence[Detector]:
    """As an orchestrator of these settings would have them."""
    from aiorch.plugging import DETECTORS, Shelf
    from aiorch.safety import detectors

    plugged: tuple[Detector, ...] = Shelf(settings, tells=True).values(DETECTORS)
    keeper, _ = _looked_for(settings)
    return detectors(plugged) if keeper is None else detectors((*plugged, *keeper.detectors), keeper.drops)


def _lines(text: str, found: Sequence[tuple[Finding, Action]]) -> list[str]:
    rows = [("", "RULE", "AT", "SURE", "WHAT")]
    for finding, action in found:
        at = finding.span[0]
        line = text.count("\n", 0, at)
        place = f"{line + 1}:{at - (text.rfind(chr(10), 0, at) + 1) + 1}"
        rows.append((action, plain(finding.rule), place, f"{finding.confidence:.2f}", plain(finding.what)))
    head, *told = columns(rows)
    return [
        head,
        *(
            click.style(action, fg=COLOURS[action]) + line.removeprefix(action)
            for line, (_, action) in zip(told, found, strict=True)
        ),
    ]


def _record(finding: Finding, action: Action) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "from": finding.span[0],
        "to": finding.span[1],
        "confidence": finding.confidence,
        "what": finding.what,
        "action": action,
    }


# --- rules -------------------------------------------------------------------------------------------------------


@command.group(
    invoke_without_command=True, short_help="Show which rules are in force; check and seal rule files."
)
@flags
@click.pass_context
def rules(ctx: click.Context) -> None:
    """Show which rules are in force: version, hash, from where, and what the policy does about them.

    Those of the setting guard_rules are looked for first, tried, and taken into use where they pass. Exit code 1 when
    they do not.
    """
    if ctx.invoked_subcommand is not None:
        return
    from aiorch.safety import policy_of

    speak = voice()
    settings = speak.settings()
    keeper, refused = _looked_for(settings)
    now = keeper.now if keeper else None
    policy = policy_of(settings.guard)
    rows = [_row(row, policy) for row in now.rules.rows] if now else []
    drops = sorted(now.rules.drops) if now else []
    if speak.json:
        version, sha256 = (now.bundle.version, now.bundle.sha256) if now else (None, None)
        source = None if settings.guard_rules is None else str(settings.guard_rules)
        head = {"source": source, "version": version, "sha256": sha256, "refused": refused}
        speak.document({**head, "drops": drops, "rules": rows})
    elif now is not None:
        source = plain(str(settings.guard_rules))
        speak.result(f"version  {now.bundle.version}\nsha256   {now.bundle.sha256}\nfrom     {source}")
        names = ("rule", "confidence", "input", "output", "steps", "what")
        shown = [("RULE", "SURE", "INPUT", "OUTPUT", "STEPS", "WHAT")]
        shown += [tuple(plain(str(row[name])) for name in names) for row in rows]  # type: ignore[misc]
        for line in (*columns(shown), *(f"{name} of aiorch no longer counts" for name in drops)):
            speak.result(line)
    if now is None and not refused:
        speak.tell("only aiorch's own rules are in force; the setting guard_rules names further ones")
    idle = sorted(
        {row["rule"].partition(".")[0] for row in rows if {row[stage] for stage in STAGES} == {"allow"}}
    )
    if idle:
        speak.tell(f"the policy {policy.name} says nothing of {', '.join(idle)}: what these find is allowed")
    if refused:
        ctx.exit(FAILED)


@rules.command(name="check", short_help="Check a folder of rule files.")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@flags
@click.pass_context
def check_rules(ctx: click.Context, folder: Path) -> None:
    """Check the rule files in FOLDER and try them, sealed or not: nothing takes effect. Exit code 1 when they fail."""
    from aiorch.safety.rule_bundles import rule_files

    speak = voice()
    found, wrong = _tried(rule_files(folder))
    if speak.json:
        speak.document({"ok": not wrong, "problems": wrong, "rules": len(found.rows)})
    for line in wrong if not speak.json else ():
        speak.result(plain(line))
    if wrong:
        speak.complain(f"{folder}: these rules would not take effect")
        ctx.exit(FAILED)
    speak.tell(f"{folder}: nothing is wrong; rules: {len(found.rows)}, examples: {len(found.examples)}")


@rules.command(short_help="List the files of a folder with their hashes.")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--version", "version", help="Of the rules, higher than the last.  [default: the last one and 1]"
)
@flags
@click.pass_context
def seal(ctx: click.Context, folder: Path, version: str | None) -> None:
    """Check the rule files in FOLDER, and write its rules.json: their version and the SHA-256 of each.

    What is printed is the SHA-256 of rules.json: whoever sets it as guard_rules_sha256 gets these files and no others.
    """
    from aiorch.safety.rule_bundles import MANIFEST, manifest_of, read_bundle, rule_files

    speak = voice()
    files = rule_files(folder)
    _, wrong = _tried(files)
    if wrong:
        for line in wrong:
            speak.tell(plain(line))
        speak.failed(
            f"{folder}: these rules would not take effect, so they are not sealed", kind="ConfigurationError"
        )
        ctx.exit(FAILED)
    (folder / MANIFEST).write_text(manifest_of(files, version or _next(folder)), "utf-8")
    bundle = read_bundle(folder)
    if speak.json:
        speak.document({"version": bundle.version, "sha256": bundle.sha256, "files": sorted(bundle.files)})
    else:
        speak.result(bundle.sha256)
    speak.tell(f"sealed version {bundle.version}: {', '.join(sorted(bundle.files))}")


def _next(folder: Path) -> str:
    """The version after the one that is sealed there."""
    import json

    from aiorch.safety.rule_bundles import MANIFEST

    try:
        before = str(json.loads((folder / MANIFEST).read_text("utf-8"))["version"])
        head, dot, last = before.rpartition(".")
        return f"{head}{dot}{int(last) + 1}"
    except FileNotFoundError:
        return "1"
    except (OSError, ValueError, KeyError, TypeError):
        raise click.UsageError(
            f"{folder / MANIFEST} says no version to count on from: give --version"
        ) from None


def _tried(files: Mapping[str, str]) -> tuple[Rules, list[str]]:
    """The rules of these files, and what is wrong with them."""
    from aiorch.safety import detectors
    from aiorch.safety.rule_keeping import against

    return against(files, detectors())


def _looked_for(settings: Settings) -> tuple[RuleKeeper | None, list[str]]:
    """The rules that the settings name, looked for now; and why newer ones are refused."""
    import anyio

    from aiorch.clock import SystemClock
    from aiorch.events import Bus, Warned
    from aiorch.furnishing import audit_log, rule_keeper
    from aiorch.net import Transport
    from aiorch.safety import Redactor

    refused: list[str] = []

    async def look() -> RuleKeeper | None:
        bus, clock, transport = Bus(), SystemClock(), Transport()
        bus.subscribe(lambda event: refused.append(event.message), Warned)
        audit = audit_log(settings, Redactor(settings.all_secrets()), clock)
        try:
            keeper = rule_keeper(settings, transport, clock, audit, bus)
            if keeper is not None:
                await keeper.renew()
            return keeper
        finally:
            audit.close()
            await transport.aclose()

    return anyio.run(look), refused


def _row(row: RuleRow, policy: Policy) -> dict[str, Any]:
    acts = {stage: policy.action(stage, row.rule, row.confidence) for stage in STAGES}
    return {"rule": row.rule, "confidence": row.confidence, "what": row.what, "steps": row.steps, **acts}

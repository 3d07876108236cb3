"""``aiorch audit``: whether the record of what was done is as it was written, and what stands in it. Asks nobody."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aiorch.cli.listing import plain
from aiorch.cli.voice import FAILED, USAGE, Voice, flags, voice

if TYPE_CHECKING:
    from aiorch.safety import AuditReport
    from aiorch.settings import Settings

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@click.group(short_help="Verify the record of what was done; show it.")
@flags
def command() -> None:
    """The audit log: what was done, by whom, with which model, in the data folder."""


def _folder(settings: Settings, given: str | None) -> Path:
    return Path(given) if given else settings.data_dir / "audit"


folder_option = click.option(
    "--folder", type=click.Path(file_okay=False), help="The log's folder.  [default: audit in data_dir]"
)


@command.command(short_help="Say whether it is as it was written.")
@folder_option
@click.option(
    "--anchors",
    type=click.Path(dir_okay=False),
    multiple=True,
    help="The file of anchors; several are allowed.",
)
@click.option(
    "--key-file",
    type=click.Path(dir_okay=False),
    multiple=True,
    help="The key in a file; several are allowed.",
)
@flags
@click.pass_context
def verify(
    ctx: click.Context, folder: str | None, anchors: tuple[str, ...], key_file: tuple[str, ...]
) -> None:
    """Check each record of the audit log, and that none is missing. The first bad record of each chain is named.

    \b
    aiorch audit verify
    aiorch audit verify --folder /backup/audit --key-file /safe/audit.key --anchors /worm/anchors.jsonl

    Without options, key and anchors are those of the settings. Exit code 1 when something is wrong, 2 when there is
    nothing to verify, or no key.
    """
    from aiorch.errors import AuditError
    from aiorch.safety import verify_audit

    speak = voice()
    settings = speak.settings()
    where = _folder(settings, folder)
    try:
        report = verify_audit(where, key=_keys(settings, key_file), anchors=anchors or settings.audit_anchor)
    except AuditError as unable:
        speak.raised(unable)
        ctx.exit(USAGE)
    if speak.json:
        speak.document(document(report))
    else:
        for problem in report.problems:
            speak.result(f"{click.style(problem.kind, fg='red')}: {plain(str(problem))}")
        for remark in report.remarks:
            speak.result(f"{click.style(remark.kind, fg='yellow')}: {plain(str(remark))}")
    _verdict(speak, report, where)
    if report.problems:
        ctx.exit(FAILED)
    if report.empty:
        ctx.exit(USAGE)


def _keys(settings: Settings, files: tuple[str, ...]) -> list[str] | None:
    """Those that are given; ``None`` for the one beside the log."""
    from aiorch.safety import read_key

    try:
        keys = [read_key(Path(file)).decode() for file in files]
    except OSError as fault:
        raise click.UsageError(f"the key in {fault.filename} cannot be read: {fault.strerror}") from fault
    if settings.audit_key is not None and not keys:
        keys.append(settings.audit_key.get_secret_value())
    return keys or None


def _verdict(speak: Voice, report: AuditReport, folder: Path) -> None:
    if report.empty:
        speak.tell(f"nothing to verify: no chained record in {folder}")
        return
    counts = f"{report.records:,} records in {report.files:,} files of {report.chains:,} chains"
    if report.problems:
        speak.complain(f"the audit log is not what was written ({counts} are good)")
        return
    speak.tell(f"the audit log is as it was written: {counts}")
    if report.loose:
        speak.tell(f"the last {report.loose:,} are not anchored yet: cutting these off would not show")


def document(report: AuditReport) -> dict[str, Any]:
    """The report for programs."""
    problems = [
        {"kind": p.kind, "file": p.file, "line": p.line, "seq": p.seq, "what": p.what}
        for p in report.problems
    ]
    return {
        "ok": report.ok and not report.empty,
        "problems": problems,
        "remarks": [{"kind": r.kind, "file": r.file, "what": r.what} for r in report.remarks],
        "records": report.records,
        "chains": report.chains,
        "files": report.files,
        "loose": report.loose,
    }


@command.command(short_help="Show what was done.")
@folder_option
@click.option("--since", help="From then on: 2026-11-22, 2026-11-22T14:30, or 90m, 12h, 7d ago.")
@click.option("--until", help="Before then, written likewise.")
@click.option("--user", help="Of this user.")
@click.option("--tenant", help="Of this tenant.")
@click.option("--task", help="Of the task with this id.")
@click.option("--event", help="Of this kind: task.finished, or a pattern such as 'task.*'.")
@flags
def show(
    folder: str | None,
    since: str | None,
    until: str | None,
    user: str | None,
    tenant: str | None,
    task: str | None,
    event: str | None,
) -> None:
    """Show the records of the audit log by time, those of all processes together.

    \b
    aiorch audit show --since 12h --user u1
    aiorch audit show --since 2026-11-01 --event 'traffic.*' --json

    They are shown as they stand in the files; `aiorch audit verify` says whether somebody changed them. A moment
    without a time zone is this machine's. With --json each record is a line.
    """
    from aiorch.safety import Asked, audit_records

    speak = voice()
    now = datetime.now(UTC)
    asked = Asked(moment(since, now), moment(until, now), user, tenant, task, event)
    found = False
    for record in audit_records(_folder(speak.settings(), folder), asked):
        found = True
        if speak.json:
            speak.document(record)
        else:
            speak.result(line(record))
    if not found:
        speak.tell("no such record")


def moment(text: str | None, now: datetime) -> datetime | None:
    """The moment that a command line means.

    >>> moment("36h", datetime(2026, 11, 22, 12, tzinfo=UTC))
    datetime.datetime(2026, 11, 21, 0, 0, tzinfo=datetime.timezone.utc)
    """
    if text is None:
        return None
    ago = re.fullmatch(r"(\d{1,6})([smhdw])", text.strip())
    try:
        if ago:
            return now - timedelta(**{UNITS[ago[2]]: int(ago[1])})
        return datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError):
        said = f"{text!r} is no moment: 2026-11-22, 2026-11-22T14:30, or 90m, 12h, 7d"
        raise click.UsageError(said) from None


def line(record: dict[str, Any]) -> str:
    """A record for people: when, what, and what is known of it but its seal and hashes."""
    hidden = {"at", "event", "chain", "seq", "mac"}
    rest = (
        f"{name}={value}"
        for name, value in record.items()
        if name not in hidden and not name.endswith("_sha256")
    )
    return plain(f"{record.get('at')}  {record.get('event')}  {' '.join(rest)}".rstrip())

"""``aiorch ask``."""

from __future__ import annotations

import io
import json
import sys

import pytest

from aiorch.cli.ask import question

FAILURE = "Failure(FailureKind.AUTH, 'account', 'no')"


def lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def test_the_answer_goes_to_standard_output_and_who_gave_it_to_standard_error(aiorch, scripted):
    scripted()
    done = aiorch("ask", "How", "are", "you?")
    assert (done.exit_code, done.stdout) == (0, "Hello there.\n")
    assert "parrot/model, 1 attempt" in done.stderr
    assert "0 USD" in done.stderr


@pytest.mark.parametrize("option", [(), ("--no-stream",)])
def test_streamed_or_whole_the_answer_is_the_same(aiorch, scripted, option: tuple[str, ...]):
    scripted("'One.\\nTwo.\\n'")
    assert aiorch("ask", "hi", *option).stdout == "One.\nTwo.\n"


def test_json_is_a_line_for_each_piece_and_the_outcome_last(aiorch, scripted):
    scripted()
    told = lines(aiorch("ask", "hi", "--json").stdout)
    assert "".join(line["text"] for line in told if line["type"] == "text") == "Hello there."
    assert told[-1]["type"] == "outcome"
    assert told[-1]["model"] == "parrot/model"
    assert told[-1]["attempts"][0]["failure"] is None
    assert told[-1]["usd"] == "0"


def test_json_without_a_stream_is_one_line(aiorch, scripted):
    scripted()
    (told,) = lines(aiorch("ask", "hi", "--json", "--no-stream").stdout)
    assert told["text"] == "Hello there."


def test_reasoning_is_for_programs_only(aiorch, scripted):
    scripted("Response(Message.assistant(Reasoning('Hm.'), 'Yes.'), 'stop', Usage(1, 1))")
    assert aiorch("ask", "hi").stdout == "Yes.\n"


@pytest.mark.parametrize("args", [("-",), ()])
def test_what_is_piped_in_is_the_question(aiorch, scripted, args: tuple[str, ...]):
    scripted("lambda request: request.messages[-1].text")
    assert aiorch("ask", *args, input="What is this?\n").stdout == "What is this?\n"


def test_a_dash_stands_for_what_is_piped_in(aiorch, scripted):
    scripted("lambda request: request.messages[-1].text")
    assert aiorch("ask", "Sum up:", "-", input="a text").stdout == "Sum up:\n\na text\n"


def test_a_question_in_words_reads_no_input(aiorch, scripted):
    scripted("lambda request: request.messages[-1].text")
    assert aiorch("ask", "only this", input="not this").stdout == "only this\n"


@pytest.mark.parametrize(("piped", "said"), [(b"  \n", "is empty"), (b"\xff\xfe\xfa", "not UTF-8")])
def test_nothing_to_ask_is_said(aiorch, piped: bytes, said: str):
    done = aiorch("ask", input=piped)
    assert done.exit_code == 2
    assert said in done.stderr


def test_nothing_to_ask_at_a_terminal_does_not_wait(aiorch, monkeypatch: pytest.MonkeyPatch):
    class Terminal(io.BytesIO):
        def isatty(self) -> bool:
            return True

    import click

    monkeypatch.setattr(sys, "stdin", Terminal())
    with click.Context(click.Command("ask")), pytest.raises(click.UsageError, match="nothing to ask"):
        question(())


def test_system_model_and_agent_reach_the_model(aiorch, scripted):
    scripted("lambda request: '|'.join(m.text for m in request.messages)")
    assert aiorch("ask", "--system", "Be brief.", "--model", "parrot/model", "hi").stdout == "Be brief.|hi\n"
    unknown = aiorch("ask", "--agent", "codin_agent", "hi")
    assert unknown.exit_code == 2
    assert "coding_agent" in unknown.stderr


def test_a_mistyped_model_is_told_with_the_nearest(aiorch, server, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GROQ_API_KEY", "gsk_0123456789abcdefghij")
    monkeypatch.setenv("AIORCH_BASE_URLS", f"groq={server.url}")
    done = aiorch("ask", "--model", "gpt-oss-12b", "hi")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "gpt-oss-20b" in done.stderr
    assert "aiorch models" in done.stderr


def test_no_key_and_no_weights_says_both_ways_out(aiorch):
    done = aiorch("ask", "hi")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "GROQ_API_KEY" in done.stderr
    assert "aiorch local install" in done.stderr
    assert "Traceback" not in done.stderr


def test_errors_are_json_where_that_is_asked_for(aiorch):
    (told,) = lines(aiorch("ask", "--json", "hi").stdout)
    assert told["error"]["type"] == "NoModelAvailable"
    assert told["error"]["hint"]


def test_a_failed_attempt_is_told(aiorch, scripted):
    scripted(FAILURE)
    done = aiorch("ask", "hi")
    assert done.exit_code == 1
    assert "parrot/model: auth: no" in done.stderr


def test_time_that_is_up_says_which_option_allows_more(aiorch, scripted):
    scripted(delay="5.0")
    done = aiorch("ask", "--timeout", "0.05", "hi")
    assert done.exit_code == 1
    assert "--timeout SECONDS" in done.stderr


def test_an_answer_that_breaks_off_keeps_what_was_shown_and_says_so(aiorch, scripted):
    scripted("Failure(FailureKind.TRANSPORT, 'upstream', 'gone')", break_after="2")
    done = aiorch("ask", "hi")
    assert done.exit_code == 1
    assert done.stdout.startswith("partial partial ")
    assert "error: the stream broke" in done.stderr


def test_paid_models_need_an_amount(aiorch, scripted):
    price = "Price(Decimal(1), Decimal(1))"
    scripted(
        cards=f"[ModelCard('parrot', 'model', context=8192, free='none', price={price}, max_output=100)]"
    )
    assert aiorch("ask", "hi").exit_code == 1
    assert aiorch("ask", "--max-usd", "0", "hi").exit_code == 1
    assert aiorch("ask", "--max-usd", "1", "hi").stdout == "Hello there.\n"


@pytest.mark.parametrize("option", [("--timeout", "0"), ("--max-usd", "-1"), ("--timeout", "soon")])
def test_amounts_that_cannot_be_are_refused(aiorch, option: tuple[str, str]):
    assert aiorch("ask", *option, "hi").exit_code == 2


def test_a_restart_and_a_block_are_said(aiorch, capsys: pytest.CaptureFixture[str]):
    from aiorch.cli.ask import _Answer
    from aiorch.cli.voice import Voice
    from aiorch.events import Blocked, Restarted
    from aiorch.types import Issue, ReasoningDelta, TextDelta

    events = (
        TextDelta("Once"), Restarted("groq broke off"), ReasoningDelta("Hm."), TextDelta("Twice"),
        Blocked((Issue("secret.key", "a key was about to be shown"),)), object(),
    )  # fmt: skip
    answer = _Answer(Voice())
    for event in events:
        answer._piece(event)
    told = capsys.readouterr()
    assert told.out == "Once\nTwice\n"
    assert "the text above is void" in told.err
    assert "a key was about to be shown" in told.err
    answer = _Answer(Voice(json=True))
    for event in events:
        answer._piece(event)
    assert [line["type"] for line in lines(capsys.readouterr().out)] == [
        "text",
        "restarted",
        "reasoning",
        "text",
        "blocked",
    ]

"""A mistake in a setting is named, with its place and its cure."""

from __future__ import annotations

from pathlib import Path

import pytest
from platformdirs import user_config_path

from aiorch.errors import SettingsError
from aiorch.settings import Settings


def said(**arguments: object) -> str:
    with pytest.raises(SettingsError) as raised:
        Settings(**arguments)
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None, "the chained error would show values"
    return str(raised.value)


def test_a_mistyped_argument_names_the_nearest():
    assert said(cahce="disk") == "unknown setting 'cahce' (an argument); did you mean 'cache'?"


def test_a_mistyped_variable_is_offered_as_a_variable(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AIORCH_ALOW_PAID", "1")
    assert said() == "unknown setting 'AIORCH_ALOW_PAID' (the environment); did you mean 'AIORCH_ALLOW_PAID'?"


def test_a_mistyped_line_of_an_env_file_names_the_file():
    Path(".env").write_text("AIORCH_RETENTON=text\n")
    assert (
        said()
        == f"unknown setting 'AIORCH_RETENTON' ({Path.cwd() / '.env'}); did you mean 'AIORCH_RETENTION'?"
    )


def test_a_mistyped_key_of_either_toml_names_the_file():
    theirs = user_config_path("aiorch", appauthor=False) / "aiorch.toml"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("max_atempts = 3")
    Path("aiorch.toml").write_text("time_out = 3")
    text = said()
    assert f"'time_out' ({Path.cwd() / 'aiorch.toml'}); did you mean 'timeout'?" in text
    assert f"'max_atempts' ({theirs}); did you mean 'max_attempts'?" in text


def test_a_name_like_no_other_gets_no_guess():
    assert said(xqzw=1) == "unknown setting 'xqzw' (an argument)"


def test_every_problem_is_told_at_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AIORCH_CACHE", "memry")
    text = said(cahce=1, timeout=-1)
    assert text.splitlines() == [
        "3 settings cannot be used:",
        "  - unknown setting 'cahce' (an argument); did you mean 'cache'?",
        "  - timeout = -1 (an argument): must be more than 0",
        "  - AIORCH_CACHE = 'memry' (the environment): must be 'off', 'memory' or 'disk'",
    ]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"allow_paid": "perhaps"}, "allow_paid = 'perhaps' (an argument): must be true or false"),
        ({"max_attempts": "many"}, "max_attempts = 'many' (an argument): must be a whole number"),
        ({"max_attempts": 0}, "max_attempts = 0 (an argument): must be at least 1"),
        ({"timeout": float("inf")}, "timeout = inf (an argument): must be a finite number"),
        (
            {"input_limit": "big"},
            "input_limit = 'big' (an argument): must be a size in bytes, or with a unit: 100KiB",
        ),
        (
            {"base_urls": "nonsense"},
            "must be a table of names and values, or name=value pairs with commas between them",
        ),
        ({"base_urls": "{broken"}, "base_urls = '{broken' (an argument): must be a table"),
        (
            {"base_urls": {"a": "ftp://x"}},
            "base_urls.a = 'ftp://x' (an argument): must be a URL that begins with http",
        ),
        ({"providers": 7}, "must be a list of names, or names with commas between them"),
        ({"local_model": 5}, "local_model = 5 (an argument): must be a path"),
        ({"data_dir": "~nobody-of-that-name/x"}, "must be a path in a home that exists"),
        ({"budget_usd": "much"}, "budget_usd = 'much' (an argument): must be a number"),
        ({"cache": "x" * 500}, "...  (an argument)".replace("  ", " ")),
    ],
)
def test_a_bad_value_is_shown_with_what_is_allowed(arguments: dict[str, object], expected: str):
    text = said(**arguments)
    assert expected in text
    assert "\n" not in text, "one line a mistake"


def test_a_bad_value_is_laid_to_the_place_that_gave_it():
    Path("aiorch.toml").write_text('[base_urls]\nvllm = "nowhere"\n')
    assert f"base_urls.vllm = 'nowhere' ({Path.cwd() / 'aiorch.toml'})" in said(
        base_urls={"ollama": "http://a"}
    )


def test_a_bad_key_is_named_and_not_shown():
    text = said(keys={"groq": 98765432101234})
    assert text == "keys.groq (an argument): must be a text, or a list of texts"


@pytest.mark.parametrize(
    "address",
    [
        "https://me:hunter2-secret@host/v1",
        "https://me:p@hunter2-secret@host/v1",
        "https://me:p/hunter2-secret@host/v1",
        "https://me:'hunter2-secret'\"@host/v1",
        "https://hunter2-secret@host/v1",
        "https://:hunter2-secret@host/v1",
        "//hunter2-secret@host/v1",
        "me:hunter2-secret@host",
    ],
)
def test_a_password_in_an_address_is_refused_and_not_shown(address: str):
    text = said(base_urls={"a": address})
    assert "hunter2" not in text
    assert "[redacted]@host" in text


def test_an_address_with_a_user_is_told_where_the_key_belongs():
    told = "must be a URL without a user name and password (addresses are shown; give the key in keys)"
    for address in ("https://me:secret@host", "https://me@host", "https://:secret@host"):
        assert said(base_urls={"a": address}).endswith(f": {told}")


@pytest.mark.parametrize(
    "address", ["", "host", "ftp://host", "http://", "http://[::1", "http://a:port", "http://a:0"]
)
def test_what_is_no_address_is_refused_in_our_words(address: str):
    assert said(base_urls={"a": address}) == (
        f"base_urls.a = {address!r} (an argument): must be a URL that begins with http:// or https://"
    )


@pytest.mark.parametrize(
    ("name", "fits", "fails"),
    [
        ("budget_usd", 0, -0.01),
        ("budget_tokens", 0, -1),
        ("timeout", 0.001, 0),
        ("connect_timeout", 0.001, 0),
        ("first_byte_timeout", 0.001, 0),
        ("idle_timeout", 0.001, 0),
        ("max_attempts", 1, 0),
        ("local_threads", 1, 0),
        ("cache_ttl", 0.001, 0),
        ("cache_entries", 1, 0),
        ("catalog_ttl", 0, -0.001),
        ("input_limit", 1, 0),
    ],
)
def test_a_number_has_a_lowest_value(name: str, fits: float, fails: float):
    assert getattr(Settings(**{name: fits}), name) == pytest.approx(fits)
    assert said(**{name: fails}).startswith(f"{name} = {fails} (an argument): must be ")


@pytest.mark.parametrize(
    "name",
    [
        "timeout",
        "connect_timeout",
        "first_byte_timeout",
        "idle_timeout",
        "cache_ttl",
        "catalog_ttl",
        "budget_usd",
    ],
)
@pytest.mark.parametrize("text", ["inf", "nan"])
def test_no_amount_is_infinite(name: str, text: str):
    assert said(**{name: text}) == f"{name} = {text!r} (an argument): must be a finite number"


def test_a_number_of_too_many_figures_is_a_mistake_like_others():
    text = said(max_attempts="9" * 5000)
    assert text.endswith("... (an argument): must be a whole number")
    assert len(text) < 200


def test_a_variable_that_is_no_text_is_told_as_pydantic_tells_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AIORCH_CACHE", "\udcff")
    assert "AIORCH_CACHE = '\\udcff' (the environment): Input should be a valid string" in said()


def test_a_setting_that_may_be_two_things_is_told_once_and_hides_no_other():
    told = said(local_model=5, data_dir=7, cache="x").splitlines()
    assert sorted(line.split(" = ")[0].strip() for line in told[1:]) == [
        "- cache",
        "- data_dir",
        "- local_model",
    ]


def test_who_has_no_home_says_where_data_goes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    pytest.importorskip("pwd")

    def nobody(_: int) -> None:
        raise KeyError("no such user")

    monkeypatch.setattr("pwd.getpwuid", nobody)
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name)
    text = said()
    assert "'~/aiorch'" in text
    assert text.endswith("(the default): must be a path in a home that exists")
    assert Settings(data_dir=tmp_path).data_dir == tmp_path


def test_a_long_value_is_cut_to_eighty_characters():
    assert said(cache="x" * 78).startswith(f"cache = '{'x' * 78}' (an argument)")
    assert said(cache="x" * 79).startswith(f"cache = '{'x' * 76}... (an argument)")


def test_malformed_toml_names_file_and_line():
    Path("aiorch.toml").write_text("cache = 'disk'\ntimeout = \n")
    text = said()
    assert text.startswith(f"{Path.cwd() / 'aiorch.toml'} is not TOML: ")
    assert "line 2" in text


def test_a_malformed_env_file_names_the_line_and_does_not_show_it():
    Path(".env").write_text("A=1\nGROQ API KEY = sk-very-secret\n")
    assert said() == f"{Path.cwd() / '.env'}, line 2: expected NAME=value"


@pytest.mark.parametrize("name", ["aiorch.toml", ".env"])
def test_a_file_in_another_encoding_says_so(name: str):
    Path(name).write_bytes("AIORCH_CACHE=off".encode("utf-16"))
    assert said() == f"{Path.cwd() / name} is not UTF-8 text; save it as UTF-8"


def test_an_unreadable_file_says_so():
    Path("aiorch.toml").mkdir()
    assert said() == f"{Path.cwd() / 'aiorch.toml'} cannot be read (Is a directory); check its permissions"


def test_settings_do_not_change():
    with pytest.raises(ValueError, match="frozen"):
        Settings().cache = "off"  # pyright: ignore[reportAttributeAccessIssue]

"""Every block of code on every page does what the page says."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.docs.pages import PAGES, ROOT, Block, blocks, read
from tests.docs.running import RUN, Page

EVERY = {page.relative_to(ROOT).as_posix(): blocks(page) for page in PAGES}


@pytest.mark.parametrize("page", [name for name, found in EVERY.items() if found])
def test_the_blocks_of_a_page_run(page: str, clone: Path) -> None:
    wrong = Page(clone).read(EVERY[page])
    assert not wrong, "\n\n".join(["", *wrong])


def test_what_is_not_run_is_little_and_says_why() -> None:
    code = [b for found in EVERY.values() for b in found if b.language != "text"]
    left_out = [b for b in code if b.not_run]
    told = "\n".join(f"{b.place}: {b.not_run}" for b in left_out)
    print(f"{len(code)} blocks of code, {len(left_out)} of them not run:\n{told}")
    assert len(code) > 50
    assert len(left_out) <= len(code) / 8, told
    assert all(len(b.not_run.split()) >= 3 for b in left_out), told


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("```python\nx = 1\n\n1 / 0\n```", 4, "ZeroDivisionError"),
        ("```python\nprint(1)  #> 2\n```", 2, "promises the output '2'"),
        ("```python\nawait later()\n```", 2, "'later' is not defined"),
        ("```python\nif\n```", 2, "SyntaxError"),
        ("<!-- raises: KeyError -->\n```python\nx = 1\n```", 3, "nothing was raised"),
        ("```toml\ntimeuot = 3\n```", 2, "timeout"),
        ("```toml\n[input]\npii = 'burn'\n```", 2, "burn"),
        ("```toml\n[[rules]]\nname = 'a'\npool = 'none'\n```", 2, "none"),
        ("```sh\n# good\naiorch ask --no-such-option hi\n```", 3, "ends with 2"),
        ("```sh\nscripts/nothing\n```", 2, "no program scripts/nothing"),
        ("```sh\npip install aiorch\n```", 2, "somebody else's"),
        ("```console\n$ aiorch --version\nanother 9\n```", 3, "another output"),
        ("```json\n{,}\n```", 2, "JSONDecodeError"),
        ("```yaml\ntasks: {a: {nothing: 1}}\n```", 2, "Wo"),
        ('```toml title="docs/settings.toml"\n```', 2, "must not change it"),
        ("```cobol\nSTOP RUN.\n```", 2, "no language"),
    ],
)
def test_a_block_that_is_wrong_is_named_by_page_and_line(
    text: str, line: int, said: str, clone: Path
) -> None:
    (wrong,) = Page(clone).read(read(text, "docs/page.md"))
    assert wrong.startswith(f"docs/page.md:{line}: ")
    assert said in wrong


def test_names_live_from_block_to_block_and_comments_count(clone: Path) -> None:
    text = """
<!-- given: here = 1 -->
```python
there = here + 1
async def one(): return there
```

<!-- not run: needs a paid key -->
```python
1 / 0
```

- in a list

  ```python title="flow.py"
  import aiorch
  flow = aiorch.Workflow("f")
  flow.ask("a", "Say {word}")
  ```

```python
print(await one())  #> 2
```

<!-- exits with 1: nobody has this file -->
```sh
aiorch run flow.py word=yes | cat > out.txt   # a comment
```
"""
    found = read(text, "page.md")
    assert [b.language for b in found] == ["python", "python", "python", "python", "sh"]
    assert found[1].not_run == "needs a paid key"
    assert found[2] == Block("page.md", 16, "python", found[2].code, title="flow.py")
    (wrong,) = Page(clone).read(found)
    assert wrong.startswith(
        "page.md:27: `aiorch run flow.py word=yes | cat > out.txt` ends with 0, the page says 1"
    )


def test_the_languages_are_few() -> None:
    assert len(RUN) == 8

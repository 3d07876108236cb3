"""Any request at all, for the promise that a dialect writes it or refuses it."""

from __future__ import annotations

from hypothesis import strategies as st

from aiorch.types import (
    Image,
    JsonSchema,
    Message,
    Parameters,
    Part,
    Provenance,
    Reasoning,
    Request,
    Text,
    ToolCall,
    ToolChoice,
    ToolResult,
    ToolSpec,
)

_texts = st.text(max_size=8) | st.sampled_from(["hi", " ", "\n"])
_ids = st.sampled_from(["", "call_0", "t1", "a.b:c"]) | st.text(max_size=4)
_objects = st.dictionaries(st.text(max_size=4), st.none() | st.integers() | _texts, max_size=3)
_authors = st.sampled_from([None, "claude-sonnet-5", "gemini-3.5-flash", "other"])
_images = st.builds(
    Image, url=st.sampled_from(["https://a.example/x.png", "data:image/png;base64,AA==", "data:", ""])
) | st.builds(
    Image,
    data=st.binary(max_size=4),
    media_type=st.sampled_from(["image/png", "image/webp", "image/bmp", "x"]),
)
_parts: st.SearchStrategy[Part] = (
    st.builds(Text, _texts)
    | _images
    | st.builds(
        Reasoning,
        _texts,
        st.none() | st.sampled_from(["sig", "redacted:x", ""]),
        st.builds(Provenance, st.just("model"), _authors),
    )
    | st.builds(ToolCall, _ids, st.sampled_from(["f", "g"]), _objects, st.none() | _texts)
    | st.builds(ToolResult, _ids, _texts, st.booleans())
)
_fitting = {
    "system": st.builds(Text, _texts),
    "user": st.builds(Text, _texts) | _images,
    "assistant": _parts.filter(lambda part: part.type in ("text", "tool_call", "reasoning")),
    "tool": st.builds(ToolResult, _ids, _texts, st.booleans()),
}
_messages = st.one_of(
    *(
        st.builds(Message, st.just(role), st.lists(parts, max_size=3).map(tuple))  # type: ignore[arg-type]
        for role, parts in _fitting.items()
    ),
    st.builds(
        Message,
        st.sampled_from(["system", "user", "assistant", "tool"]),
        st.lists(_parts, max_size=2).map(tuple),
    ),
)
_schemas = st.sampled_from(
    [
        {"type": "object", "properties": {"a": {"type": "string"}}},
        {"type": "object"},
        {"$ref": "#"},
        {"anyOf": [{"type": "null"}]},
    ]
)


def requests() -> st.SearchStrategy[Request]:
    """Mostly well-formed ones, and all that the types allow."""
    return st.builds(
        Request,
        st.lists(_messages, max_size=6).map(tuple),
        st.builds(
            Parameters,
            temperature=st.none() | st.floats(0, 2),
            max_tokens=st.none() | st.integers(1, 10**6),
            stop=st.lists(_texts, max_size=7).map(tuple),
            seed=st.none() | st.integers(),
            top_p=st.none() | st.floats(0, 1),
            extra=_objects,
        ),
        st.none() | st.builds(JsonSchema, _schemas, strict=st.booleans()),
        st.lists(st.builds(ToolSpec, st.sampled_from(["f", "g"]), _texts, _schemas), max_size=2).map(tuple),
        st.builds(ToolChoice, st.sampled_from(["auto", "required", "none", "tool"]), st.just("f")),
    )

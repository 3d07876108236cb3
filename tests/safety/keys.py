"""Keys for tests, made of random parts at run time: nothing that looks like a key is in the repository."""

from __future__ import annotations

import random
import string
from zlib import crc32

ALNUM = string.ascii_letters + string.digits
LOWER = string.ascii_lowercase + string.digits
HEX = "0123456789abcdef"
BASE64URL = ALNUM + "-_"
BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase


def drawn(rng: random.Random, size: int, alphabet: str = ALNUM) -> str:
    return "".join(rng.choices(alphabet, k=size))


def of_providers(rng: random.Random) -> dict[str, str]:
    """One key of each kind that says itself whose it is."""
    return {
        "openai_key": "sk-" + "proj-" + drawn(rng, 74) + "T3Blbk" + "FJ" + drawn(rng, 74),
        "sk_key": "sk" + "-" + drawn(rng, 32, HEX),
        "anthropic_key": "sk-" + "ant-api03-" + drawn(rng, 93) + "AA",
        "openrouter_key": "sk-" + "or-v1-" + drawn(rng, 64, HEX),
        "groq_key": "gsk" + "_" + drawn(rng, 52),
        "google_api_key": "AI" + "za" + drawn(rng, 35),
        "huggingface_token": "hf" + "_" + drawn(rng, 34, string.ascii_letters),
        "xai_key": "xai" + "-" + drawn(rng, 80),
        "perplexity_key": "pplx" + "-" + drawn(rng, 48),
        "fireworks_key": "fw" + "_" + drawn(rng, 24),
        "cerebras_key": "csk" + "-" + drawn(rng, 48, LOWER),
        "nvidia_key": "nvapi" + "-" + drawn(rng, 64),
        "replicate_token": "r8" + "_" + drawn(rng, 37),
        "github_token": github(rng),
        "aws_access_key": "AK" + "IA" + drawn(rng, 16, string.ascii_uppercase + "234567"),
        "gitlab_token": "gl" + "pat-" + drawn(rng, 20),
        "stripe_key": "sk" + "_live_" + drawn(rng, 24),
        "slack_token": "xo" + "xb-" + drawn(rng, 12, "123456789") + "-" + drawn(rng, 24),
        "sendgrid_key": "S" + "G." + drawn(rng, 22) + "." + drawn(rng, 43),
        "terraform_token": drawn(rng, 14) + ".atlas" + "v1." + drawn(rng, 67),
        "zhipu_key": drawn(rng, 32, HEX) + "." + "aB3" + drawn(rng, 13),
    }


def github(rng: random.Random) -> str:
    """With the right checksum."""
    body = drawn(rng, 30)
    number, digits = crc32(body.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = BASE62[digit] + digits
    return "gh" + "p_" + body + digits


def private_key(rng: random.Random, lines: int = 10) -> str:
    body = "\n".join(drawn(rng, 64, ALNUM + "+/") for _ in range(lines))
    kind = "RSA PRIVATE" + " KEY"
    return f"-----BEGIN {kind}-----\n{body}\n-----END {kind}-----"

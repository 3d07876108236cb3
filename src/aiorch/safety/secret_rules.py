"""The formats of keys that say themselves whose they are: a fixed beginning, an alphabet, a length.

Facts from the providers' own documentation and from the keys that they hand out; adding a service is adding a row.
In a body ``%A`` stands for a letter or digit, ``%L`` for a lower-case letter or digit, ``%H`` for a hexadecimal digit
(``%X`` in either case), ``%W`` for what base64url has, ``%B`` for what base64 has, ``%I`` for base32, ``%U`` for a UUID.
Quantifiers have upper bounds, so a match costs at most the length of the longest key.
"""

# ruff: noqa: E501 (a row is easier to compare with its neighbours on one line)

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of key."""

    name: str
    """The second half of the finding's rule name."""
    what: str
    """Whose key, for people."""
    starts: str
    """Its beginnings, separated by spaces; each as it is written, so they are case-sensitive."""
    body: str
    """What follows one of its beginnings: a regular expression."""
    confidence: float = 0.95
    entropy: float = 2.8
    """Bits a character that the body must have at least; repeated letters have fewer."""
    checksum: str = ""
    """A name in :data:`aiorch.safety.secret_values.CHECKSUMS`. A key whose checksum holds is certain."""
    sure: bool = True
    """False for beginnings that other words share: then a token that begins so may be something else."""


F = Format

MODELS = (
    F("openai_key", "a key of OpenAI", "sk-proj- sk-svcacct- sk-admin- sk-None-", r"%W{40,200}"),
    F("openai_key", "a key of OpenAI", "sk-", r"%A{20}T3BlbkFJ%A{20}", 0.99),
    F("sk_key", "a key of OpenAI, DeepSeek, Moonshot, DashScope or the like", "sk-", r"(?:%A{64}|%A{48,51}|%A{32})", 0.9, 2.8, "", False),
    F("lmstudio_token", "a token of LM Studio", "sk-lm-", r"%A{8}:%A{20}"),
    F("anthropic_key", "a key of Anthropic", "sk-ant-api03- sk-ant-admin01-", r"%W{93}AA", 0.99),
    F("anthropic_key", "a key of Anthropic", "sk-ant-", r"(?!api03|admin01)(?:api|admin|sid|oat|ort)\d{1,3}-%W{80,120}"),
    F("openrouter_key", "a key of OpenRouter", "sk-or-v1-", r"%H{64}", 0.99),
    F("minimax_key", "a key of MiniMax", "sk-api-", r"%W{60,140}"),
    F("helicone_key", "a key of Helicone", "sk-helicone- pk-helicone- sk-helicone-eu-", r"%L{7}-%L{7}-%L{7}-%L{7}"),
    F("langfuse_key", "a key of Langfuse", "sk-lf-", r"%U"),
    F("groq_key", "a key of Groq", "gsk_", r"%A{52}", 0.99),
    F("google_api_key", "an API key of Google", "AIza", r"%W{35}", 0.97, 3.0),
    F("gemini_key", "a key of Gemini", "AQ.Ab8R", r"%W{40,60}"),
    F("huggingface_token", "a token of Hugging Face", "hf_", r"%A{34}", 0.98),
    F("huggingface_token", "a token of a Hugging Face organisation", "api_org_", r"%A{34}", 0.98),
    F("xai_key", "a key of xAI", "xai-", r"%A{80}", 0.99),
    F("perplexity_key", "a key of Perplexity", "pplx-", r"%A{48}", 0.99),
    F("together_key", "a key of Together", "tgp_v1_", r"%W{43}", 0.99),
    F("fireworks_key", "a key of Fireworks", "fw_", r"%A{22,24}", 0.95, 3.2),
    F("fireworks_key", "a key of Fireworks", "fpk_", r"%A{22,40}", 0.95, 3.2, "", False),
    F("cerebras_key", "a key of Cerebras", "csk-", r"%L{48}", 0.99),
    F("nvidia_key", "a key of NVIDIA", "nvapi-", r"%W{64}", 0.99),
    F("replicate_token", "a token of Replicate", "r8_", r"%A{37}", 0.99),
    F("chutes_key", "a key of Chutes", "cpk_", r"%H{32}\.%H{32}\.%A{32}", 0.99),
    F("modelscope_token", "a token of ModelScope", "ms-", r"%U", 0.9, 2.5, "", False),
    F("novita_key", "a key of Novita, or one written like it", "sk_", r"%W{43}", 0.9, 3.5, "", False),
    F("pollinations_key", "a key of Pollinations", "plln_sk_ plln_pk_", r"%A{16,40}"),
    F("bedrock_key", "a key of Amazon Bedrock", "ABSK", r"%B{109,269}={0,2}", 0.97, 3.5),
    F("bedrock_key", "a short-lived key of Amazon Bedrock", "bedrock-api-key-", r"YmVkcm9jay5hbWF6b25hd3MuY29t%B{0,400}={0,2}"),
    F("langsmith_key", "a key of LangSmith", "lsv2_pt_ lsv2_sk_", r"%H{32}_%H{10}", 0.99),
    F("langsmith_key", "a key of LangSmith", "ls__", r"%H{32}"),
    F("elevenlabs_key", "a key of ElevenLabs", "sk_", r"%H{48}", 0.95, 2.8, "", False),
    F("voyage_key", "a key of Voyage", "pa-", r"%W{43}", 0.9, 3.8, "", False),
    F("jina_key", "a key of Jina", "jina_", r"%H{32}%W{28}", 0.99),
    F("tavily_key", "a key of Tavily", "tvly-", r"(?:dev-|prod-)?%A{32}"),
    F("firecrawl_key", "a key of Firecrawl", "fc-", r"%H{32}", 0.95, 2.8, "", False),
    F("pinecone_key", "a key of Pinecone", "pcsk_", r"%A{4,8}_%A{50,70}"),
    F("runpod_key", "a key of RunPod", "rpa_", r"[A-Z0-9]{40,50}"),
    F("anyscale_key", "a key of Anyscale", "esecret_", r"%L{18,40}"),
    F("llamacloud_key", "a key of LlamaCloud", "llx-", r"%A{48}"),
    F("friendli_token", "a token of Friendli", "flp_", r"%A{40,60}"),
    F("e2b_key", "a key of E2B", "e2b_", r"%H{40}", 0.99),
    F("cursor_key", "a key of Cursor", "key_ crsr_", r"%H{64}", 0.95, 2.8, "", False),
    F("logfire_token", "a token of Logfire", "pylf_v1_", r"(?:us|eu|local|stagingus|stagingeu)_%A{43}", 0.99),
    F("braintrust_key", "a key of Braintrust", "bt-st-", r"%A{48}"),
    F("wandb_key", "a key of Weights & Biases", "wandb_v1_", r"%W{60,90}"),
)  # fmt: skip

CLOUDS = (
    F("aws_access_key", "an access key of AWS", "AKIA ASIA ABIA ACCA", r"%I{16}", 0.97, 3.0),
    F("aws_mws_key", "a key of Amazon MWS", "amzn.mws.", r"%U", 0.99, 2.5),
    F("aws_client_secret", "a client secret of Amazon", "amzn1.oa2-cs.v1.", r"%H{64}", 0.99),
    F("google_client_secret", "a client secret of Google", "GOCSPX-", r"%W{28}", 0.99),
    F("google_access_token", "an access token of Google", "ya29.", r"%W{30,2048}", 0.95, 3.3),
    F("google_refresh_token", "a refresh token of Google", "1//0", r"%W{40,120}", 0.9, 3.8),
    F("alibaba_access_key", "an access key of Alibaba Cloud", "LTAI", r"(?:%A{20}|%A{16}|%A{12})", 0.95, 3.0),
    F("tencent_secret_id", "a secret id of Tencent Cloud", "AKID", r"%A{32}", 0.95, 3.5),
    F("volcengine_key", "an access key of Volcengine", "AKLT", r"%A{20,60}", 0.9, 3.5),
    F("digitalocean_token", "a token of DigitalOcean", "dop_v1_ doo_v1_ dor_v1_", r"%H{64}", 0.99),
    F("digitalocean_spaces_key", "an access key of DigitalOcean Spaces", "DO00", r"[A-Z0-9]{16}", 0.85, 3.0),
    F("heroku_key", "a key of Heroku", "HRKU-", r"(?:%U|AA%W{58})", 0.97, 2.5),
    F("fly_token", "a token of Fly.io", "fo1_", r"%W{43}", 0.97),
    F("fly_token", "a token of Fly.io", "fm1a_ fm1r_ fm2_", r"%B{80,1500}={0,3}", 0.97),
    F("netlify_token", "a token of Netlify", "nfp_ nfc_ nfo_ nfu_ nfb_", r"%A{36}", 0.97),
    F("vercel_token", "a token of Vercel", "vcp_ vci_ vca_ vcr_ vck_", r"%A{40,70}", 0.97),
    F("vercel_blob_token", "a token of Vercel Blob", "vercel_blob_rw_", r"%A{16}_%A{30}"),
    F("render_key", "a key of Render", "rnd_", r"%A{24,40}", 0.95, 3.3),
    F("cloudflare_token", "a token of Cloudflare", "cfut_ cfat_ cfk_", r"%W{40,60}"),
    F("cloudflare_origin_key", "an origin CA key of Cloudflare", "v1.0-", r"(?:%H{24}-%H{146}|[0-9a-f-]{171})", 0.99),
    F("supabase_token", "a token of Supabase", "sbp_", r"(?:v0_)?%L{40}", 0.97),
    F("supabase_key", "a secret key of Supabase", "sb_secret_", r"%W{22}_%W{8}", 0.97),
    F("planetscale_token", "a token of PlanetScale", "pscale_tkn_ pscale_pw_ pscale_oauth_", r"[\w.=-]{32,64}", 0.97),
    F("neon_key", "a key of Neon", "napi_", r"%L{64}"),
    F("neon_password", "a password of Neon", "npg_", r"%A{12,20}", 0.9, 3.0),
    F("databricks_token", "a token of Databricks", "dapi dkea dose dosa", r"%L{32}(?:-\d)?", 0.97, 2.8),
    F("aiven_password", "a password of Aiven", "AVNS_", r"%W{19,24}", 0.97, 3.3),
    F("scaleway_access_key", "an access key of Scaleway", "SCW", r"[A-Z0-9]{17}", 0.9, 3.0, "", False),
    F("exoscale_key", "a key of Exoscale", "EXO", r"%H{24}", 0.9, 2.8, "", False),
    F("yandex_key", "a key of Yandex Cloud", "AQVN", r"%W{35,38}", 0.95, 3.5),
    F("yandex_token", "a token of Yandex Cloud", "t1.9eu", r"%W{30,200}[\w=.-]{0,200}", 0.9, 3.5),
    F("pulumi_token", "a token of Pulumi", "pul-", r"%H{40}", 0.99),
    F("vault_token", "a token of HashiCorp Vault", "hvs. hvb. hvr.", r"%W{24,300}", 0.97, 3.5),
    F("vault_token", "a token of HashiCorp Vault", "s.", r"(?=%A{0,23}\d)%A{24}", 0.85, 3.6, "", False),
    F("doppler_token", "a token of Doppler", "dp.pt. dp.ct. dp.sa. dp.scim. dp.audit. dp.said.", r"%A{40,44}", 0.99),
    F("doppler_token", "a token of Doppler", "dp.st.", r"(?:[a-z0-9][a-z0-9_-]{1,34}\.)?%A{40,44}", 0.99),
    F("onepassword_token", "a token of a 1Password service account", "ops_eyJ", r"%B{200,1200}={0,3}", 0.99, 3.5),
    F("onepassword_key", "a secret key of 1Password", "A3-", r"[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}", 0.97, 3.3),
    F("infisical_token", "a token of Infisical", "st.", r"%H{24}\.%H{32}\.%H{32}", 0.99, 2.8, "", False),
    F("age_key", "a secret key of age", "AGE-SECRET-KEY-1", r"[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}", 0.99),
    F("tailscale_key", "a key of Tailscale", "tskey-", r"(?:auth|api|client|scim|webhook)-%A{9,24}-%A{16,40}", 0.99),
    F("openshift_token", "a token of OpenShift", "sha256~", r"%W{43}", 0.97, 3.5),
    F("scalingo_token", "a token of Scalingo", "tk-us-", r"%W{48}"),
    F("backblaze_key", "an application key of Backblaze", "K00", r"[0-5]%B{27}", 0.8, 3.8, "", False),
    F("deno_token", "a token of Deno Deploy", "ddp_ ddo_", r"%A{36}", 0.97),
    F("akamai_token", "a token of Akamai", "akab-", r"%L{16}-%L{16}", 0.9, 3.0),
    F("prefect_key", "a key of Prefect", "pnu_ pnb_", r"%A{36}", 0.97),
    F("confluent_key", "a key of Confluent", "cflt", r"%B{60}", 0.9, 3.8, "", False),
    F("mongodb_client_secret", "a client secret of MongoDB Atlas", "mdb_sa_sk_", r"%W{40}", 0.99),
)  # fmt: skip

CODE = (
    F("github_token", "a token of GitHub", "ghp_ gho_ ghu_ ghs_", r"%A{36}", 0.95, 3.0, "crc32"),
    F("github_token", "a refresh token of GitHub", "ghr_", r"(?:%A{76}|%A{36})", 0.95, 3.0),
    F("github_token", "a fine-grained token of GitHub", "github_pat_", r"%A{22}_%A{59}", 0.97, 3.0),
    F("gitlab_token", "a token of GitLab", "glpat- gldt- glft- glrtr- glffct- glwt-", r"(?:%W{20}|%W{27,300}\.[0-9a-z]{9})", 0.97),
    F("gitlab_token", "a runner token of GitLab", "glrt-", r"(?:t\d_)?(?:%W{20}|%W{27,300}\.[0-9a-z]{9})", 0.97),
    F("gitlab_token", "a job token of GitLab", "glcbt-", r"(?:[0-9a-f]{1,5}_)?%W{20}", 0.97),
    F("gitlab_token", "a trigger token of GitLab", "glptt-", r"%H{40}", 0.97),
    F("gitlab_token", "a token of GitLab", "glsoat- glimt-", r"%W{20,25}", 0.97),
    F("gitlab_token", "an agent's token of GitLab", "glagent-", r"%W{50}", 0.97),
    F("gitlab_token", "an application's secret of GitLab", "gloas-", r"%H{64}", 0.97),
    F("gitlab_token", "a runner registration token of GitLab", "GR1348941", r"%W{20}", 0.97, 3.2),
    F("atlassian_token", "a token of Atlassian", "ATATT3 ATCTT3 ATSTT3", r"[\w=-]{180,210}", 0.99),
    F("bitbucket_password", "an app password of Bitbucket", "ATBB", r"%A{24}[A-F0-9]{8}", 0.97),
    F("npm_token", "a token of npm", "npm_", r"%A{36}", 0.95, 3.0, "crc32"),
    F("pypi_token", "a token of PyPI", "pypi-AgEIcHlwaS5vcmc pypi-AgENdGVzdC5weXBpLm9yZw", r"%W{50,1000}", 0.99),
    F("rubygems_key", "a key of RubyGems", "rubygems_", r"%H{48}", 0.99),
    F("nuget_key", "a key of NuGet", "oy2", r"(?=%L{0,42}\d)%L{43}", 0.95, 3.5, "", False),
    F("crates_token", "a token of crates.io", "cio", r"(?=%A{0,31}\d)(?=%A{0,31}[A-Z])%A{32}", 0.9, 3.8, "", False),
    F("clojars_token", "a token of Clojars", "CLOJARS_", r"%L{60}", 0.99),
    F("packagist_token", "a token of Packagist", "packagist_out_ packagist_ort_ packagist_uut_ packagist_urt_", r"%H{68}", 0.99),
    F("docker_token", "a token of Docker", "dckr_pat_", r"%W{27}", 0.99),
    F("docker_token", "a token of Docker", "dckr_oat_", r"%W{32}", 0.99),
    F("artifactory_key", "a key of Artifactory", "AKCp", r"%A{69}", 0.97, 3.5),
    F("artifactory_token", "a reference token of Artifactory", "cmVmdGtuO", r"%A{55}", 0.99),
    F("sourcegraph_token", "a token of Sourcegraph", "sgp_", r"(?:%H{16}_local_|%X{16}_|local_)?%X{40}", 0.97),
    F("segment_token", "a token of Segment", "sgp_", r"%A{64}", 0.95),
    F("sourcegraph_token", "a token of Sourcegraph", "slk_", r"%H{64}", 0.97),
    F("sonarqube_token", "a token of SonarQube", "squ_ sqp_ sqa_", r"%H{40}", 0.99),
    F("circleci_token", "a token of CircleCI", "CCIPAT_ CCIPRJ_", r"%A{20,26}_%L{40,48}", 0.99),
    F("buildkite_token", "a token of Buildkite", "bkua_ bkat_ bkaj_", r"%L{40}", 0.97),
    F("octopus_key", "a key of Octopus Deploy", "API-", r"(?=[A-Z0-9]{0,25}\d)[A-Z0-9]{25,26}", 0.85, 3.2, "", False),
    F("launchdarkly_key", "a key of LaunchDarkly", "api- sdk-", r"%U", 0.9, 2.8, "", False),
    F("postman_key", "a key of Postman", "PMAK-", r"%H{24}-%H{34}", 0.99),
    F("dependencytrack_key", "a key of Dependency-Track", "odt_", r"%A{32,36}", 0.95),
    F("dependencytrack_key", "a key of Dependency-Track", "odt_", r"%A{8}_%A{32}", 0.95),
    F("infracost_key", "a key of Infracost", "ico-", r"%A{32}", 0.95, 3.2),
    F("snyk_token", "a token of Snyk", "snyk_uat. snyk_sat.", r"%H{8}\.[\w.-]{40,400}", 0.97),
    F("harness_token", "a token of Harness", "pat. sat.", r"%W{22}\.%H{24}\.%A{20}", 0.97),
    F("stackhawk_key", "a key of StackHawk", "hawk.", r"%W{20}\.%W{20}", 0.97),
    F("settlemint_token", "a token of SettleMint", "sm_aat_ sm_pat_ sm_sat_", r"%A{16}", 0.95),
    F("semgrep_token", "a token of Semgrep", "sgp_ sgs_", r"%H{64}", 0.9),
    F("chromatic_token", "a project token of Chromatic", "chpt_", r"%H{12,20}", 0.95),
    F("depot_token", "a token of Depot", "depot_org_ depot_project_ depot_user_", r"%H{40,80}", 0.95),
)  # fmt: skip

WATCHING = (
    F("dynatrace_token", "a token of Dynatrace", "dt0c01. dt0s01. dt0s02. dt0s03. dt0s04. dt0s06. dt0s08. dt0s16. dt0a01. dt0l01. dt0p01. dt0p02.", r"[A-Z2-7]{8,24}\.[A-Z2-7]{64}", 0.99),
    F("grafana_token", "a token of Grafana Cloud", "glc_", r"eyJ%B{32,400}={0,3}", 0.97),
    F("grafana_token", "a token of Grafana", "glsa_", r"%A{32}_%H{8}", 0.99),
    F("grafana_key", "a key of Grafana", "eyJrIjoi", r"%B{60,400}={0,3}", 0.95, 3.5),
    F("newrelic_key", "a key of New Relic", "NRAK-", r"[A-Z0-9]{27}", 0.99),
    F("newrelic_key", "a key of New Relic", "NRJS-", r"%H{19}", 0.97),
    F("newrelic_key", "a key of New Relic", "NRII- NRIQ- NRRA- NRAA- NRSP-", r"%W{30,48}", 0.97),
    F("sentry_token", "a token of Sentry", "sntrys_", r"eyJpYXQiO%B{10,400}={0,2}_%B{43}", 0.99),
    F("sentry_token", "a token of Sentry", "sntryu_ sntrya_ sntryi_", r"%H{64}", 0.99),
    F("honeycomb_key", "a key of Honeycomb", "hcaik_ hcxik_ hcaic_ hcbik_ hcxmk_ hcamk_", r"%L{58}", 0.97),
    F("posthog_key", "a personal key of PostHog", "phx_ phs_", r"%A{40,60}", 0.95),
    F("axiom_token", "a token of Axiom", "xaat- xapt-", r"%U", 0.97),
    F("statsig_key", "a server secret of Statsig", "secret-", r"%A{40,48}", 0.9, 3.5, "", False),
    F("pagerduty_token", "a token of PagerDuty", "pdus+_0XBPWQQ_ pdeu+_0XBPWQQ_", r"%U", 0.97),
    F("pagerduty_key", "a key of PagerDuty", "u+", r"[\w+-]{18}", 0.8, 3.3, "", False),
    F("checkly_key", "a key of Checkly", "cu_", r"%H{32}", 0.9, 2.8, "", False),
    F("nightfall_key", "a key of Nightfall", "NF-", r"%A{32}", 0.9, 3.0),
)  # fmt: skip

TALKING = (
    F("slack_token", "a bot's token of Slack", "xoxb-", r"(?:\d{8,14}-){1,3}%A{16,64}", 0.98),
    F("slack_token", "a user's token of Slack", "xoxp- xoxe-", r"(?:\d{8,14}-){2,4}%A{10,64}", 0.98),
    F("slack_token", "a token of Slack", "xoxa- xoxr- xoxs- xoxo-", r"(?:\d{1,14}-){1,4}%A{8,64}", 0.97, 2.5),
    F("slack_token", "a session of Slack", "xoxc- xoxd-", r"[\w%/+-]{40,260}", 0.95),
    F("slack_token", "an app's token of Slack", "xapp-", r"\d-[A-Z0-9]{8,14}-\d{8,14}-%H{60,70}", 0.99),
    F("slack_token", "a configuration token of Slack", "xoxe-", r"\d-%A{120,170}", 0.98),
    F("slack_token", "a configuration token of Slack", "xoxe.xoxp- xoxe.xoxb-", r"\d-%A{140,190}", 0.98),
    F("sendgrid_key", "a key of SendGrid", "SG.", r"%W{22}\.%W{43}", 0.99),
    F("mailgun_key", "a key of Mailgun", "key-", r"%H{32}", 0.9, 2.8, "", False),
    F("brevo_key", "a key of Brevo", "xkeysib- xsmtpsib-", r"%H{64}-%A{16}", 0.99),
    F("mandrill_key", "a key of Mailchimp Transactional", "md-", r"%W{22}", 0.8, 3.6, "", False),
    F("resend_key", "a key of Resend", "re_", r"%A{8}_%A{24}", 0.95, 3.3, "", False),
    F("intercom_token", "a token of Intercom", "dG9rO", r"%B{40,80}={0,2}", 0.95, 3.5),
    F("telnyx_key", "a key of Telnyx", "KEY0", r"[0-9A-F]{31}_%A{22}", 0.97),
    F("onesignal_key", "a key of OneSignal", "os_v2_app_ os_v2_org_", r"%L{100,110}", 0.99),
    F("twilio_key", "a key of Twilio", "SK", r"%H{32}", 0.9, 2.8, "", False),
    F("twilio_account", "an account of Twilio", "AC", r"%H{32}", 0.7, 2.8, "", False),
    F("imagekit_key", "a private key of ImageKit", "private_", r"%B{27}=", 0.9, 3.5, "", False),
    F("flutterwave_key", "a key of Flutterwave", "FLWSECK- FLWSECK_TEST-", r"%H{32}-X", 0.99),
    F("telegram_token", "a token of a Telegram bot", "tgram://", r"\d{8,10}:%W{35}", 0.95),
)  # fmt: skip

SERVICES = (
    F("stripe_key", "a key of Stripe", "sk_live_ rk_live_ sk_test_ rk_test_ sk_prod_ rk_prod_", r"%W{14,250}", 0.97, 3.0),
    F("stripe_webhook_secret", "a webhook secret", "whsec_", r"%B{32,64}={0,2}", 0.97, 3.5),
    F("square_token", "a token of Square", "EAAA", r"%W{60}", 0.95, 3.6),
    F("square_token", "a token of Square", "sq0atp- sq0idp-", r"%W{22}", 0.97, 3.0),
    F("square_secret", "a secret of Square", "sq0csp-", r"%W{43}", 0.97),
    F("facebook_token", "a token of Facebook", "EAA", r"[A-Z]%A{40,300}", 0.9, 3.6, "", False),
    F("instagram_token", "a token of Instagram", "IGQV IGQW", r"%W{60,250}", 0.9, 3.6),
    F("paypal_token", "a token of Braintree", "access_token$production$ access_token$sandbox$", r"%L{16}\$%H{32}", 0.99),
    F("plaid_token", "a token of Plaid", "access-sandbox- access-production- access-development-", r"%U", 0.97, 2.5),
    F("razorpay_key", "a key of Razorpay", "rzp_live_ rzp_test_", r"%A{14}", 0.95),
    F("mollie_key", "a key of Mollie, Lob or the like", "live_ test_", r"(?=%A{0,29}\d)(?:%A{30}|%H{35})", 0.8, 3.5, "", False),
    F("shopify_token", "a token of Shopify", "shpat_ shpca_ shppa_ shpss_ shpua_", r"%X{32}", 0.99),
    F("duffel_token", "a token of Duffel", "duffel_test_ duffel_live_", r"[\w=-]{43}", 0.97),
    F("easypost_key", "a key of EasyPost", "EZAK EZTK", r"%A{54}", 0.97, 3.3),
    F("shippo_token", "a token of Shippo", "shippo_live_ shippo_test_", r"%X{40}", 0.99),
    F("frameio_token", "a token of Frame.io", "fio-u-", r"[\w=-]{64}", 0.97),
    F("readme_key", "a key of ReadMe", "rdme_", r"%L{70}", 0.97),
    F("adobe_secret", "a client secret of Adobe", "p8e-", r"%W{32}", 0.95, 3.3),
    F("stytch_secret", "a secret of Stytch", "secret-live- secret-test-", r"%W{36}=?", 0.9),
    F("airtable_token", "a token of Airtable", "pat", r"%A{14}\.%H{64}", 0.99, 3.0, "", False),
    F("airtable_key", "a key of Airtable", "key", r"(?=%A{0,13}\d)(?=%A{0,13}[A-Z])%A{14}", 0.6, 3.3, "", False),
    F("notion_token", "a token of Notion", "secret_", r"%A{43}", 0.97, 3.5, "", False),
    F("notion_token", "a token of Notion", "ntn_", r"\d{11}%A{35}", 0.99),
    F("linear_key", "a key of Linear", "lin_api_", r"%A{40}", 0.99),
    F("linear_token", "a token of Linear", "lin_oauth_ lin_wh_", r"%A{40,64}", 0.97),
    F("figma_token", "a token of Figma", "figd_ figo_ figu_ figor_ figuh_", r"%W{38,46}", 0.97),
    F("typeform_token", "a token of Typeform", "tfp_", r"[\w.=-]{40,60}", 0.95),
    F("okta_token", "a token of Okta", "00", r"(?=%W{0,39}[a-z])(?=%W{0,39}[G-Z])(?=%W{0,39}\d)%W{40}", 0.8, 3.8, "", False),
    F("clickup_token", "a token of ClickUp", "pk_", r"\d{6,9}_[A-Z0-9]{32}", 0.97, 3.0, "", False),
    F("klaviyo_key", "a key of Klaviyo", "pk_", r"%L{34}", 0.85, 3.0, "", False),
    F("courier_key", "a key of Courier", "pk_prod_ pk_test_ dk_prod_ dk_test_", r"[A-Z0-9]{28}", 0.95),
    F("hubspot_token", "a token of HubSpot", "pat-na1- pat-na2- pat-na3- pat-eu1- pat-ap1-", r"%U", 0.99, 2.5),
    F("dropbox_token", "a token of Dropbox", "sl.", r"(?:u\.)?%W{60,2000}", 0.95, 3.8, "", False),
    F("mapbox_token", "a secret token of Mapbox", "sk. tk.", r"eyJ%W{20,300}\.%W{20,30}", 0.97),
    F("mapbox_token", "a token of Mapbox", "pk.", r"eyJ%W{20,300}\.%W{20,30}", 0.9),
    F("contentful_token", "a token of Contentful", "CFPAT-", r"%W{43}", 0.97),
    F("ubidots_token", "a token of Ubidots", "BBFF- BBUS-", r"%A{30}", 0.97),
    F("adafruit_key", "a key of Adafruit IO", "aio_", r"%A{28}", 0.95),
    F("beamer_key", "a key of Beamer", "b_", r"[A-Za-z0-9=_-]{44,46}", 0.8, 3.8, "", False),
    F("definednetworking_token", "a token of Defined Networking", "dnkey-", r"[\w=-]{26}-[\w=-]{52}", 0.97),
    F("intra42_secret", "a client secret of Intra 42", "s-s4t2ud- s-s4t2af-", r"%H{64}", 0.99),
    F("ionic_token", "a token of Ionic", "ion_", r"%A{42}", 0.95),
    F("pubnub_key", "a key of PubNub", "pub-c- sub-c- sec-c-", r"(?:%U|%B{48,60})", 0.9, 2.5),
    F("teamwork_token", "a token of Teamwork", "tkn.v1_", r"[\w=-]{40,80}", 0.97),
    F("voiceflow_key", "a key of Voiceflow", "VF.DM. VF.WS.", r"%H{24}\.%A{16}", 0.99),
    F("zoho_token", "a token of Zoho", "1000.", r"%H{32}\.%H{24,32}", 0.97, 2.8, "", False),
    F("zuplo_key", "a key of Zuplo", "zpka_", r"%H{32}_%H{8}", 0.99),
    F("thunderstore_token", "a token of Thunderstore", "tss_", r"%W{32}", 0.8, 3.8, "", False),
    F("apify_token", "a token of Apify", "apify_api_", r"%A{34,40}", 0.97),
        F("pagarme_key", "a key of Pagar.me", "ak_live_ ak_test_", r"%A{30}", 0.95),
    F("scrapfly_key", "a key of Scrapfly", "scp-live- scp-test-", r"%H{32}", 0.97),
    F("supernotes_key", "a key of Supernotes", "supernotes_sk-", r"%W{40,60}", 0.9),
    F("storecove_key", "a key of Storecove", "storecove_", r"%A{40,60}", 0.9),
    F("fullstory_key", "a key of FullStory", "na1. eu1.", r"%B{80,120}={0,2}", 0.85, 4.0, "", False),
    F("fleetbase_key", "a key of Fleetbase", "flb_live_ flb_test_", r"%A{20}", 0.95),
    F("flexport_token", "a token of Flexport", "shltm_", r"%A{35,60}", 0.95),
    F("pinterest_token", "a token of Pinterest", "pina_", r"%A{32,80}", 0.9, 3.5),
    F("recaptcha_key", "a secret of reCAPTCHA", "6L", r"[a-z][\w-]{5}AAAAA%W{27}", 0.85, 3.0, "", False),
    F("paddle_key", "a key of Paddle", "pdl_live_apikey_ pdl_sdbx_apikey_", r"%L{26}_%A{22}_%A{3}", 0.99),
    F("ramp_secret", "a secret of Ramp", "ramp_sec_", r"%A{40,60}", 0.97),
    F("workos_key", "a key of WorkOS", "sk_a_", r"%W{40,100}", 0.85),
    F("knock_key", "a key of Knock", "sk_knock_", r"%W{30,60}", 0.9),
    F("retool_token", "a token of Retool", "retool_", r"%L{26,40}", 0.9, 3.5),
    F("xata_key", "a key of Xata", "xau_", r"%A{32,40}", 0.95),
    F("trigger_key", "a key of Trigger.dev", "tr_dev_ tr_prod_ tr_stg_", r"%A{16,24}", 0.9),
    F("inngest_key", "a signing key of Inngest", "signkey-prod- signkey-test- signkey-branch-", r"%H{32,64}", 0.97),
)  # fmt: skip

ADDRESSES = (
    F("slack_webhook", "a webhook of Slack", "hooks.slack.com/services/", r"T%W{7,12}/B%W{7,12}/%A{20,26}", 0.99),
    F("slack_webhook", "a webhook of Slack", "hooks.slack.com/", r"(?:workflows|triggers)/[TE]%W{8,12}/(?:A%W{8,12}/)?\d{12,24}/%A{20,40}", 0.99),
    F("discord_webhook", "a webhook of Discord", "discord.com/api/ discordapp.com/api/ ptb.discord.com/api/ canary.discord.com/api/", r"(?:v\d{1,2}/)?webhooks/\d{17,20}/%W{60,72}", 0.99),
    F("teams_webhook", "a webhook of Microsoft Teams", "outlook.office.com/webhook/ outlook.office365.com/webhook/ webhook.office.com/webhookb2/", r"%U@%U/IncomingWebhook/%A{32}/%U", 0.99),
    F("google_chat_webhook", "a webhook of Google Chat", "chat.googleapis.com/v1/spaces/", r"%W{8,20}/messages\?key=%W{39}&token=[\w%-]{20,80}", 0.99),
    F("zapier_webhook", "a webhook of Zapier", "hooks.zapier.com/hooks/catch/", r"\d{4,10}/%L{5,10}", 0.9, 2.0),
    F("ifttt_webhook", "a webhook of IFTTT", "maker.ifttt.com/trigger/", r"\w{1,60}/with/key/%W{20,44}", 0.95),
    F("sumologic_collector", "a collector's address at Sumo Logic", "collectors.sumologic.com/receiver/v1/http/", r"%B{80,120}={0,2}", 0.97),
    F("azure_logic_app", "a trigger's address at Azure Logic Apps", "logic.azure.com:443/workflows/ logic.azure.com/workflows/", r"%H{32}/triggers/[^\s\"']{0,200}sig=%W{40,50}", 0.97),
)  # fmt: skip
"""Addresses that are secrets as a whole: whoever knows them may post."""

FORMATS = MODELS + CLOUDS + CODE + WATCHING + TALKING + SERVICES + ADDRESSES


@dataclass(frozen=True, slots=True)
class Marked:
    """A key with something unmistakable in its middle or at its end."""

    name: str
    what: str
    mark: str
    """A text that each such key has in it."""
    pattern: str
    """The whole key, in the same notation."""
    confidence: float = 0.95
    entropy: float = 3.0


MARKED = (
    Marked("azure_client_secret", "a client secret of Microsoft Entra", "Q~", r"[\w.~-]{3}\dQ~[\w.~-]{31,34}", 0.97, 3.3),
    Marked("azure_key", "a key of Azure", "JQQJ9", r"%A{52}JQQJ9[9A-D]%A[A-L]%A{16}%B{4}%A{4}", 0.99),
    Marked("azure_key", "a key of Azure", "AZDO", r"%A{76}AZDO%A{4}", 0.99),
    Marked("azure_storage_key", "a storage key of Azure", "+ASt", r"%B{76}\+ASt%B{6}==", 0.99),
    Marked("azure_key", "a key of Azure", "AzSe", r"%A{42}AzSe[A-D]%A{5}", 0.97),
    Marked("azure_key", "a key of Azure", "AzFu", r"%W{44}AzFu%W{4,8}={0,2}", 0.97),
    Marked("azure_key", "a key of Azure", "AzCa", r"%B{33}AzCa[A-P]%B{5}=?", 0.97),
    Marked("azure_key", "a key of Azure", "ACDb", r"%B{76}ACDb%B{5,8}==", 0.97),
    Marked("terraform_token", "a token of Terraform Cloud", ".atlasv1.", r"%A{14}\.atlasv1\.[\w=-]{60,70}", 0.99, 3.3),
    Marked("discord_token", "a token of a Discord bot", ".", r"[MNO]%A{23,25}\.%W{6}\.%W{27,38}", 0.95, 3.8),
    Marked("telegram_token", "a token of a Telegram bot", ":AA", r"[1-9]\d{7,9}:AA%W{33}", 0.97, 3.5),
    Marked("telegram_token", "a token of a Telegram bot", ":", r"[1-9]\d{7,9}:(?=%W{0,34}[A-Z])(?=%W{0,34}\d)%W{35}", 0.85, 4.0),
    Marked("mailchimp_key", "a key of Mailchimp", "-us", r"%H{32}-us\d{1,2}", 0.97),
    Marked("mailgun_key", "a key of Mailgun", "-", r"(?=[0-9a-f-]{0,49}[a-f])%H{32}-%H{8}-%H{8}", 0.9),
    Marked("zhipu_key", "a key of Zhipu or Z.ai", ".", r"%H{32}\.(?=%A{0,15}\d)(?=%A{0,15}[A-Z])%A{16}", 0.95, 3.5),
    Marked("ollama_key", "a key of Ollama", ".", r"%H{32}\.(?=%W{0,23}\d)(?=%W{0,23}[A-Z])%W{24}", 0.95, 3.5),
    Marked("facebook_app_secret", "an app's token of Facebook", "|", r"\d{13,17}\|(?=%W{0,26}\d)(?=%W{0,26}[A-Z])%W{27}", 0.9, 3.8),
    Marked("maxmind_key", "a key of MaxMind", "_mmk", r"%A{6}_%A{29}_mmk", 0.99),
    Marked("twitter_token", "a token of X", "AAAAAAAAAAAAAAAAAA", r"A{20,22}[\w%]{60,110}", 0.95, 3.3),
    Marked("sentry_dsn", "a project's address at Sentry with its secret", ".ingest.", r"%H{32}:%H{32}@o\d{1,9}\.ingest\.[\w.]{1,20}sentry\.io/\d{1,20}", 0.95),
    Marked("asana_token", "a token of Asana", "/1", r"[0-2]/1\d{13,16}(?:/\d{13,16})?:%H{32}", 0.97),
    Marked("fal_key", "a key of fal", ":", r"%U:%H{32}", 0.95),
    Marked("bitwarden_token", "an access token of Bitwarden", "0.", r"0\.%U\.%A{30}:%B{22}==", 0.99),
    Marked("password_hash", "a hashed password", "$", r"\$2[abxy]?\$\d\d\$[./A-Za-z0-9]{53}", 0.9),
    Marked("password_hash", "a hashed password", "$", r"\$(?:1|5|6|8)\$(?:rounds=\d{1,9}\$)?[./A-Za-z0-9]{1,16}\$(?:[./A-Za-z0-9]{86}|[./A-Za-z0-9]{43}|[./A-Za-z0-9]{22})", 0.9),
    Marked("password_hash", "a hashed password", "$argon2", r"\$argon2(?:id|i|d)\$v=\d{1,3}\$m=\d{1,9},t=\d{1,4},p=\d{1,3}\$%B{8,90}\$%B{16,180}", 0.9),
    Marked("password_hash", "a Kerberos ticket that gives a password away", "$krb5", r"\$krb5(?:asrep|tgs)\$\d{2}\$[^\s\"']{20,4000}", 0.9),
)  # fmt: skip


def written_out(body: str) -> str:
    """The regular expression that a body stands for."""
    for short, long in _CLASSES:
        body = body.replace(short, long)
    return body


_CLASSES = (
    ("%U", "[0-9a-zA-Z]{8}-[0-9a-zA-Z]{4}-[0-9a-zA-Z]{4}-[0-9a-zA-Z]{4}-[0-9a-zA-Z]{12}"),
    ("%A", "[A-Za-z0-9]"),
    ("%L", "[a-z0-9]"),
    ("%H", "[0-9a-f]"),
    ("%X", "[0-9a-fA-F]"),
    ("%W", "[A-Za-z0-9_-]"),
    ("%B", "[A-Za-z0-9+/]"),
    ("%I", "[A-Z2-7]"),
)

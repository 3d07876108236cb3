"""The lexicon of the injection model: words that stand for one another in attacks and in what looks like them."""

# ruff: noqa: E501 (a class stands on one line)

from __future__ import annotations

_TEXT = """
void: ignore ignores ignored ignoring disregard disregards disregarding forget forgets forgetting override overrides bypass neglect discard dismiss skip abandon nullify ignoriere ignorieren vergiss missachte oublie oubliez ignora olvida ignorez ignorar dimentica esqueça игнорируй забудь
before: previous prior above earlier preceding original initial existing former old past foregoing preceeding vorherigen bisherigen vorigen précédentes anteriores anterior precedenti предыдущие
every: all any every everything each whatever alle alles toutes tout todas todo tutte tutto todos все
rules: instructions instruction directions rules rule guidelines guideline directives directive constraints restrictions limits limitations policies policy orders commands safeguards filters programming anweisungen regeln richtlinien consignes règles instrucciones reglas istruzioni regole instruções regras инструкции правила
prompt: prompt prompts preprompt systemprompt
system: system developer initial hidden internal confidential secret base
ai: ai assistant chatbot gpt chatgpt llm bot claude gemini llama copilot agent ki ia ии
model: model language
show: reveal show print output repeat display disclose expose leak dump recite echo list spell share tell verrate affiche révèle muestra revela mostra покажи раскрой
verbatim: verbatim word exactly literally entire entirety full complete everything letter wortwörtlich
secret: password passwords passphrase credentials credential token key keys code flag pin secrets passwort contraseña senha пароль clé clave
you: you your yourself u ur thou du dein deine deinen tu tes votre tus sua seu ты твои
now: now henceforth onwards onward currently today jetzt maintenant ahora adesso agora теперь
be: are be become act pretend imagine simulate roleplay role-play behave play acting playing eres bist es sei ты
free: unrestricted unfiltered uncensored unlimited unbound unconstrained unethical amoral unmoderated limitless freed liberated
without: without no never not cannot can't don't won't nothing none ohne sans sin senza sem без
ethics: ethical ethics moral morals morality legal legality safety censorship filter filtering warnings disclaimers disclaimer consequences restriction limitation refuse refusal refusing apologize apologise warning
mode: mode modes dan jailbreak jailbreaked jailbroken jailbreaking sudo root debug maintenance override
must: must should shall will have need always strictly immediately required obligated
answer: answer respond reply say respond answers responses response replies output write saying responding antworte réponds responde rispondi
stay: stay remain keep character persona
user: user human person owner operator
important: important urgent attention notice warning critical urgently priority mandatory
send: send forward email transfer pay post upload share exfiltrate wire mail deliver submit
fetch: visit click open download browse navigate follow access execute run call invoke install
task: task tasks request job question query goal objective
new: new real actual true instead different following next
finish: finish finished complete completed done end ended stop cancel
include: include add append insert embed integrate incorporate modify enhance augment mention recommend
tell: inform mention explain notify alert reveal hide conceal
please: please kindly pls bitte please
how: how why what when where which who can could does did is
i: i my me we our us i'm i've mine
doc: email e-mail message mail document page article file website text paragraph attachment invoice letter
dev: code function compiler linter python javascript git docker error exception class variable git server build
granted: granted pwned hacked owned hacked
tag: <| |> </ [/ ]] [[ ### --- === *** %%% <!- -->
"""

LEXICON: dict[str, tuple[str, ...]] = {
    name: tuple(dict.fromkeys(words.split()))
    for name, _, words in (line.partition(": ") for line in _TEXT.strip().splitlines())
}

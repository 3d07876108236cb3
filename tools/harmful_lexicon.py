"""The lexicon of the harmful-content model: words that stand for one another, so that "kill someone" and "kill a process"
differ by the class of what is killed.
"""

# ruff: noqa: E501 (rows of words)
from __future__ import annotations

_TEXT = """
harm: kill killing murder murdering assassinate poison poisoning strangle stab stabbing torture torturing harm hurt hurting injure attack attacking shoot shooting execute behead beat maim drown suffocate
destroy: destroy blow blowing detonate bomb bombing explode burn sabotage sabotaging destabilize demolish derail disable
steal: steal stealing rob robbing shoplift shoplifting burglarize embezzle embezzling pickpocket loot hijack hijacking swindle launder laundering counterfeit counterfeiting forge forging smuggle smuggling
hack: hack hacking crack cracking breach breaching infiltrate infiltrating exploit exploiting compromise ddos phish phishing hijack intrude keylogger spoof
trick: deceive scam scamming defraud fraud con trick tricking manipulate manipulating blackmail blackmailing extort extorting bribe bribing impersonate impersonating coerce coercing catfish groom grooming lure
stalk: stalk stalking spy spying track tracking eavesdrop harass harassing bully bullying cyberbully dox doxx intimidate intimidating threaten threatening humiliate
evade: evade evading avoid bypass bypassing circumvent undetected detection caught traced trace untraceable anonymously cover conceal concealing hide hiding
person: someone somebody person people man woman child children kid kids girl boy neighbor neighbour wife husband girlfriend boyfriend boss coworker colleague roommate victim victims stranger strangers crowd students student classmate ex president politician celebrity human humans minor minors teenager teenagers elderly family individual individuals
group: jews muslims christians black blacks white whites immigrants immigrant refugees women gays gay lesbians transgender trans disabled asians africans mexicans minority minorities race ethnic ethnicity religion religious gender foreigners
place: school hospital airport mosque church synagogue mall stadium bank government subway building embassy plant grid courthouse
weapon: bomb bombs explosive explosives grenade weapon weapons gun guns firearm firearms rifle silencer ammunition pipe molotov napalm landmine ied missile nuclear dirty bioweapon anthrax ricin sarin nerve mustard cyanide nitroglycerin thermite
drug: meth methamphetamine cocaine heroin fentanyl lsd mdma ecstasy crack drugs drug opioids narcotics amphetamine ghb rohypnol steroids
malware: malware virus ransomware trojan worm keylogger rootkit botnet spyware backdoor exploit
money: credit card cards bank account accounts identity ssn social passport passports checks cheque insurance tax taxes money bills
secret: passwords password credentials confidential private personal classified
illegal: illegal illegally illicit unlawful fake fraudulent counterfeit stolen forged black dark unauthorized unlicensed pirated without
sexual: porn pornographic pornography nude nudes sexual sexually rape molest explicit underage nonconsensual incest pedophile upskirt
selfharm: suicide suicidal self-harm cut cutting starve anorexia anorexic overdose myself
hate: racist sexist homophobic antisemitic xenophobic slur slurs inferior hateful hate hatred supremacist supremacy genocide nazi derogatory offensive discriminate discrimination discriminating stereotypes
lies: disinformation misinformation propaganda conspiracy fake hoax rumor rumors defamatory libel false smear deepfake deepfakes
make: make making build building create creating construct constructing produce producing synthesize synthesizing manufacture assemble cook cooking develop design concoct extract
write: write writing draft compose generate script tutorial guide manual blog article post speech story essay email letter message
teach: how steps instructions teach explain describe outline show give provide tell list detail step-by-step instruct demonstrate
machine: process processes thread program python linux terminal windows server job task computer browser tab service daemon docker container session file files disk database table git branch commit function code script app engine car lights light battery phone printer
game: game games minecraft fortnite doom level boss monster monsters zombie zombies dragon npc character characters quest enemy enemies gta movie film novel book fiction fictional story play sims pokemon dnd d&d campaign wizard
stage: audience comedy jokes joke show performance presentation interview stage exam test gig party guitar pitch
kitchen: recipe garlic onion eggs egg chicken meat cake dough steak cocktail beer wine kitchen oven soup fish turkey potatoes butter cream balloon pizza vegetables dish sauce
nature: weeds weed bugs ants mosquitoes mosquito cockroaches rats mice bacteria germs mold fungus lawn pests tree trees plants lice ticks wasps roaches virus viruses cells cancer
time: time boredom mood vibe buzz conversation deal habit fear pain doubt
photo: photo photos photograph portrait picture camera film video footage movie hoops basketball baskets stars
history: history historical war wwii century ancient medieval napoleon rome roman kennedy lincoln holocaust hiroshima revolution happened occurred nazi soviet civil empire
learn: why what who when where which did does was were is mean means meaning definition difference
defend: prevent preventing protect protecting defend detect detecting stop against safe safely safety secure recover recovering treat treatment help support recognize report reporting avoid secured harden mitigate
law: law legal laws penalty penalties sentence court crime ethics illegal
"""

LEXICON: dict[str, list[str]] = {}
_seen: set[str] = set()
for _line in _TEXT.strip().splitlines():
    _name, _, _words = _line.partition(":")
    LEXICON[_name] = [word for word in dict.fromkeys(_words.split()) if word not in _seen]
    _seen.update(LEXICON[_name])

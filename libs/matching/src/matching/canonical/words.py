"""Word lists of the canonical form: legal forms, street words, free mail hosts, values that say nothing."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _phrases(*lines: str) -> frozenset[tuple[str, ...]]:
    return frozenset(tuple(phrase.split()) for line in lines for phrase in line.split("|"))


# By country, folded; letters that stand alone ("s r l") come from dots. The longest form at the end of a name wins.
LEGAL_FORMS_BY_COUNTRY: dict[str, frozenset[tuple[str, ...]]] = {
    "PL": _phrases(
        "spolka z ograniczona odpowiedzialnoscia|spolka z ograniczona odpowiedzialnoscia spolka komandytowa",
        "spolka z o o|sp z o o|sp z oo|sp zoo|spzoo|s p z o o|z o o|sp z o o sp k|sp z o o sp j|sp z o o s k a",
        "spolka komandytowo akcyjna|spolka komandytowa|spolka akcyjna|prosta spolka akcyjna|spolka jawna",
        "spolka cywilna|spolka partnerska|sp j|sp k|sp p|s k a|s a|s c|p s a|sa|sc|psa|spolka jawna s c",
    ),
    "IT": _phrases(
        "s r l|srl|s r l s|srls|srl s|s p a|spa|s n c|snc|s a s|sas|s a p a|sapa|s c a r l|scarl|s c r l|soc coop",
        "societa a responsabilita limitata|societa a responsabilita limitata semplificata|societa per azioni",
        "societa cooperativa|societa in nome collettivo|societa in accomandita semplice",
    ),
    "ES": _phrases(
        "s l|sl|s l u|slu|s a u|sau|s l l|sll|s coop|s c p|scp|s l p|slp|c b|sociedad limitada|sociedad anonima",
        "sociedad limitada unipersonal|sociedad anonima unipersonal|sociedad de responsabilidad limitada",
    ),
    "DE": _phrases(
        "gmbh|g m b h|gesellschaft mbh|gesellschaft mit beschrankter haftung|mbh|m b h|gmbh co kg|gmbh und co kg",
        "gmbh and co kg|gmbh co ohg|ag co kg|co kg|und co kg|ag|aktiengesellschaft|kg|ohg|o h g|gbr|ug",
        "ug haftungsbeschrankt|e v|ev|e k|ek|e g|kgaa|se|s e|ges m b h|gesmbh",
    ),
    "FR": _phrases(
        "s a r l|sarl|sasu|s a s u|eurl|e u r l|sci|s c i|snc|s n c|scop|societe anonyme|selarl",
        "societe a responsabilite limitee|societe par actions simplifiee",
    ),
    "GB": _phrases("limited|ltd|plc|p l c|llp|l l p|public limited company|cic|co ltd|company limited|co limited"),
    "US": _phrases(
        "inc|incorporated|corp|corporation|llc|l l c|co|company|limited liability company|lp|l p|pllc|p c|co inc"
    ),
    "NL": _phrases(
        "b v|bv|n v|nv|v o f|vof|c v|b v b a|bvba|besloten vennootschap|naamloze vennootschap|cooperatie u a|u a"
    ),
    "PT": _phrases(
        "lda|l da|limitada|unipessoal lda|unipessoal limitada|sociedade unipessoal lda|sociedade anonima|s a|sgps"
    ),
    "CZ": _phrases(
        "s r o|sro|spol s r o|spol sro|spolecnost s rucenim omezenym|a s|akciova spolecnost|v o s|vos|k s|z s|o p s"
    ),
    "SK": _phrases("spolocnost s rucenim obmedzenym"),
    "DK": _phrases("a s|aps|i s|k s"),
    "SE": _phrases("ab|aktiebolag|handelsbolag"),
    "FI": _phrases("oy|oyj|oy ab"),
    "NO": _phrases("as|asa"),
    "HU": _phrases("kft|zrt|nyrt|bt"),
    "RO": _phrases("s r l|srl"),
    "GR": _phrases("a e|ae|e p e|epe|i k e|ike|o e"),
    "RU": _phrases("ooo|oao|zao|pao|ao|ip"),
}
LEGAL_FORMS: frozenset[tuple[str, ...]] = frozenset().union(*LEGAL_FORMS_BY_COUNTRY.values())
LONGEST_FORM = max(map(len, LEGAL_FORMS))
# Russian and Ukrainian forms stand in front.
LEADING_FORMS = _phrases("ooo|oao|zao|pao|tov|pat|fop")
# These stand inside a name too ("Alfa Sp. z o.o. Oddział Kraków"), where no other word can be meant.
INNER_FORMS = _phrases(
    "spolka z ograniczona odpowiedzialnoscia|sp z o o|sp zoo|sp z oo|spolka akcyjna|gmbh|s r l|s r o"
)
TRADE_PREFIXES = _phrases(
    "przedsiebiorstwo handlowo uslugowe|przedsiebiorstwo produkcyjno handlowo uslugowe|przedsiebiorstwo handlowe",
    "przedsiebiorstwo uslugowo handlowe|przedsiebiorstwo produkcyjno handlowe|przedsiebiorstwo uslugowe",
    "firma handlowo uslugowa|firma uslugowo handlowa|firma handlowa|firma uslugowa|zaklad uslugowy",
    "p p h u|pphu|p h u|phu|p u h|puh|p h|ph|f h u|fhu|f u h|fuh|p p u h|ppuh|p w|firma|ditta|the|fa",
)

STREET_WORDS = _words(
    """
    ul ulica al aleja aleje os osiedle pl plac skwer rondo
    via viale vle piazza pza piazzale corso cso largo vicolo strada
    calle cl avenida avda av plaza pza paseo pso carrer carretera ctra ronda travesia
    rue avenue ave boulevard blvd blv bd chemin impasse allee quai
    street st str strasse weg platz gasse ring ufer
    road rd drive dr lane ln court ct place parkway pkwy highway hwy crescent cres cr circuit cct close terrace tce ter
    square sq way wy grove gr parade pde circle cir alley row
    straat laan plein gracht kade rua travessa praca ulice trida namesti nam
    ulitsa prospekt pr odos leoforos
    """
)
# In front of the name or behind it; after one behind the name comes the flat, the town or the state.
TRAILING_STREET_WORDS = _words(
    """
    street st str avenue ave av boulevard blvd blv road rd drive dr lane ln court ct place pl parkway pkwy
    highway hwy crescent cres circuit cct close terrace tce square sq way circle cir
    """
)
JOINED_STREET_ENDINGS = ("strasse", "straat", "street", "str", "gasse", "laan")
DIRECTIONS = {
    "north": "n", "south": "s", "east": "e", "west": "w",
    "northeast": "ne", "northwest": "nw", "southeast": "se", "southwest": "sw",
}  # fmt: skip
FLAT_WORDS = _words(
    "m lok lokal mieszkanie apt apartment suite ste unit floor fl flat piso int interno rm room top bus"
)
ORDINALS = {
    "first": "1st", "second": "2nd", "third": "3rd", "fourth": "4th", "fifth": "5th",
    "sixth": "6th", "seventh": "7th", "eighth": "8th", "ninth": "9th", "tenth": "10th",
}  # fmt: skip
US_STATES = _words(
    """
    al ak az ar ca co ct de fl ga hi id il in ia ks ky la me md ma mi mn ms mo mt ne nv nh nj nm ny nc nd oh ok or pa
    ri sc sd tn tx ut vt va wa wv wi wy dc
    """
)

FREE_MAIL = _words(
    """
    gmail.com googlemail.com outlook.com outlook.it outlook.es outlook.fr outlook.de hotmail.com hotmail.it hotmail.es
    hotmail.fr hotmail.de hotmail.co.uk live.com live.it live.fr live.nl live.co.uk msn.com yahoo.com yahoo.it yahoo.es
    yahoo.fr yahoo.de yahoo.pl yahoo.co.uk ymail.com rocketmail.com icloud.com me.com mac.com aol.com proton.me
    protonmail.com pm.me gmx.de gmx.net gmx.com gmx.at gmx.ch web.de t-online.de freenet.de arcor.de mail.com mail.ru
    inbox.ru list.ru bk.ru yandex.ru yandex.com ukr.net seznam.cz email.cz centrum.cz post.cz volny.cz sapo.pt clix.pt
    wp.pl o2.pl onet.pl onet.eu op.pl poczta.onet.pl interia.pl interia.eu poczta.fm gazeta.pl tlen.pl vp.pl go2.pl
    spoko.pl buziaczek.pl autograf.pl libero.it virgilio.it tiscali.it alice.it tin.it pec.it fastwebnet.it orange.fr
    free.fr laposte.net wanadoo.fr sfr.fr neuf.fr telefonica.net terra.es btinternet.com sky.com virginmedia.com
    talktalk.net ntlworld.com comcast.net verizon.net att.net sbcglobal.net bellsouth.net cox.net charter.net ziggo.nl
    kpnmail.nl hetnet.nl planet.nl home.nl telenet.be skynet.be bluewin.ch zoho.com fastmail.com hushmail.com qq.com
    163.com 126.com naver.com rediffmail.com bigpond.com optusnet.com.au
    """
)
SHARED_HOSTS = _words(
    """
    facebook.com fb.com instagram.com linkedin.com twitter.com x.com youtube.com tiktok.com google.com wixsite.com
    wordpress.com blogspot.com business.site github.io github.com webnode.page allegro.pl olx.pl amazon.com ebay.com
    etsy.com linktr.ee bit.ly example.com example.org example.net
    """
)
EMPTY_VALUES = frozenset(
    (
        "none", "null", "unknown", "n a", "na", "nan", "test", "brak", "nieznany", "sconosciuto", "desconocido",
        "inconnu",
        "unbekannt", "onbekend", "neznamy", "no name", "noname", "noemail", "no email", "tbd", "n d", "nd", "x", "xx",
        "xxx", "to be determined", "not available", "not applicable", "not known", "nie dotyczy", "asdf", "qwerty",
    )
)  # fmt: skip
TITLES = _words(
    """
    mr mrs ms miss mx sir dame lady lord dr prof professor rev reverend hon captain capt col colonel maj major lt gen
    general admiral baron baronet earl viscount esq jr sr ii iii iv phd md mgr inz lic ing dott dottssa sig signor
    signora herr frau dipl don dona pan pani mme mlle monsieur madame 1st 2nd 3rd 4th 5th 6th
    """
)

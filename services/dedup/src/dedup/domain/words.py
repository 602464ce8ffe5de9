"""Word lists of the canonical form: legal forms, street types, free mail hosts, values that say nothing."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


LEGAL_FORMS: frozenset[tuple[str, ...]] = frozenset(
    tuple(form.split())
    for form in (
        # Poland
        "spolka z ograniczona odpowiedzialnoscia", "spolka z ograniczona odpowiedzialnoscia spolka komandytowa",
        "spolka komandytowo akcyjna", "spolka komandytowa", "spolka akcyjna", "prosta spolka akcyjna", "spolka jawna",
        "spolka cywilna", "spolka partnerska", "spolka z o o", "sp z o o", "sp z oo", "sp zoo", "s p z o o", "z o o",
        "sp z o o sp k", "sp z o o sp j", "sp j", "sp k", "sp p", "s k a", "s a", "s c", "p s a", "sa", "sc", "psa",
        # Italy
        "s r l", "srl", "s r l s", "srls", "s p a", "spa", "s n c", "snc", "s a s", "sas", "s a p a",
        "societa a responsabilita limitata", "societa per azioni", "societa cooperativa",
        # Spain
        "s l", "sl", "s l u", "slu", "s a u", "sau", "s l l", "sll", "s coop", "s c p", "sociedad limitada",
        "sociedad anonima", "sociedad limitada unipersonal",
        # Germany, Austria, Switzerland
        "gmbh", "g m b h", "gesellschaft mbh", "gmbh co kg", "gmbh und co kg", "gmbh and co kg", "ag", "kg", "ohg",
        "o h g", "gbr", "ug", "ug haftungsbeschrankt", "e v", "ev", "e k", "ek", "kgaa",
        # France
        "s a r l", "sarl", "sasu", "s a s u", "eurl", "e u r l", "sci", "snc",
        # United Kingdom and Ireland
        "limited", "ltd", "plc", "llp", "public limited company",
        # United States
        "inc", "incorporated", "corp", "corporation", "llc", "l l c", "co", "company", "limited liability company",
        "lp",
        # Netherlands and Belgium
        "b v", "bv", "n v", "nv", "v o f", "vof", "bvba",
    )
)  # fmt: skip
LONGEST_FORM = max(len(form) for form in LEGAL_FORMS)
# These stand inside a name too ("Alfa Sp. z o.o. Oddział Kraków"), where no other word can be meant.
INNER_FORMS: tuple[tuple[str, ...], ...] = (
    ("spolka", "z", "ograniczona", "odpowiedzialnoscia"), ("sp", "z", "o", "o"), ("gmbh",), ("sp", "zoo"),
)  # fmt: skip
TRADE_PREFIXES: tuple[tuple[str, ...], ...] = tuple(
    tuple(prefix.split())
    for prefix in (
        "przedsiebiorstwo handlowo uslugowe", "przedsiebiorstwo produkcyjno handlowo uslugowe",
        "firma handlowo uslugowa",
        "p p h u", "pphu", "p h u", "phu", "p u h", "puh", "p h", "f h u", "fhu", "f u h", "firma", "ditta", "the",
    )
)  # fmt: skip

STREET_WORDS: frozenset[str] = _words(
    """
    ul ulica al aleja aleje os osiedle pl plac via viale vle piazza pza corso cso largo vicolo strada calle cl
    avenida avda av plaza paseo carrer carretera ctra rue avenue ave boulevard blvd bd street st str strasse
    road rd drive dr lane ln court ct place parkway pkwy highway hwy straat laan weg platz
    """
)
JOINED_STREET_ENDINGS = ("strasse", "straat", "str")
DIRECTIONS = {"north": "n", "south": "s", "east": "e", "west": "w"}
FLAT_WORDS: frozenset[str] = _words("m lok lokal apt apartment suite ste unit floor fl piso int interno")

FREE_MAIL: frozenset[str] = _words(
    """
    gmail.com googlemail.com outlook.com hotmail.com hotmail.it hotmail.es hotmail.fr hotmail.co.uk live.com
    live.it msn.com yahoo.com yahoo.it yahoo.es yahoo.fr yahoo.de yahoo.co.uk ymail.com icloud.com me.com
    mac.com aol.com proton.me protonmail.com gmx.de gmx.net gmx.com web.de t-online.de freenet.de mail.com
    mail.ru yandex.ru wp.pl o2.pl onet.pl onet.eu op.pl poczta.onet.pl interia.pl interia.eu poczta.fm gazeta.pl
    tlen.pl vp.pl libero.it virgilio.it tiscali.it alice.it tin.it pec.it fastwebnet.it orange.fr free.fr
    laposte.net wanadoo.fr sfr.fr telefonica.net terra.es btinternet.com comcast.net verizon.net att.net
    sbcglobal.net ziggo.nl kpnmail.nl hetnet.nl zoho.com
    """
)
SHARED_HOSTS: frozenset[str] = _words(
    """
    facebook.com instagram.com linkedin.com twitter.com x.com google.com sites.google.com wixsite.com
    wordpress.com
    """
)
# One mailbox read by many people: says which company, not which person.
ROLE_MAILBOXES: frozenset[str] = _words(
    """
    info office biuro kontakt contact contacto contatti admin sales sprzedaz ventas vendite hello hallo support
    help marketing team mail post recepcja segreteria amministrazione
    """
)
EMPTY_VALUES: frozenset[str] = frozenset(
    (
        "none", "null", "unknown", "n a", "na", "nan", "test", "brak", "nieznany", "sconosciuto", "desconocido",
        "no name",
        "noname", "noemail", "noreply", "example", "tbd", "n d", "nd", "x", "xx", "xxx", "to be determined",
    )
)  # fmt: skip
TAX_COUNTRIES: frozenset[str] = _words(
    """
    AT BE BG CY CZ DE DK EE EL ES FI FR GB GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK XI CH NO
    """
)

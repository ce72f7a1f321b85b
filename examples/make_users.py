#!/usr/bin/env python3
"""Makes users.csv, a thousand people who do not exist, and users.expected.json.

About four rows in a hundred are broken on purpose, each in one way. The
expectations are not found by reading the file back: each broken row is made
by an entry of FAULTS that names the code it must get, and its line is counted
while the file is written. They hold for a pool that auto-verifies `email` and
has every other setting at its default.

    python3 examples/make_users.py            write both files
    python3 examples/make_users.py --check    compare them, change nothing

E-mail addresses are under the domains that RFC 2606 reserves; telephone
numbers are in the ranges that regulators keep for films and novels, or begin
with zeros where a country keeps none.
"""

import argparse
import calendar
import json
import random
import sys
import unicodedata
from pathlib import Path

HERE = Path(__file__).resolve().parent
CSV_FILE = HERE / "users.csv"
EXPECTED_FILE = HERE / "users.expected.json"

ROWS = 1000
SEED = 20260315
# Seconds since 1970: no row was updated after this moment.
NEWEST_UPDATE = 1_767_225_600

HEADER = (
    "name,given_name,family_name,middle_name,nickname,preferred_username,profile,"
    "picture,website,email,email_verified,gender,birthdate,zoneinfo,locale,"
    "phone_number,phone_number_verified,address,updated_at,cognito:mfa_enabled,"
    "cognito:username"
).split(",")

SKIPPED_CODES = {"DUPLICATE_IN_FILE"}

# Each place: given names (f, m), family names, streets with {n} for the number,
# towns, what its telephone numbers begin with and how many digits follow,
# a locale, a time zone, and how a whole address is put together.
PLACES = [
    {
        "f": "Abigail Charlotte Denise Grace Harper Keisha Megan Olivia Rosa Tamara".split(),
        "m": "Andre Caleb Ethan Jerome Logan Marcus Nathan Preston Tyler Wyatt".split(),
        "family": "Bennett Carver Delgado Ellison Fletcher Hargrove Jennings Lockhart "
        "Mercer Nakamura Okafor Prescott Ramsey Sutherland Whitaker".split(),
        "streets": ["{n} Alder Creek Road", "{n} Juniper Street, Apt {a}", "{n} Old Mill Lane"],
        "towns": ["Duluth, MN 55802", "Boise, ID 83702", "Savannah, GA 31401"],
        "phone": ("+120255501", 2),
        "locale": "en-US",
        "zone": "America/Chicago",
    },
    {
        "f": "Aoife Bronwen Catriona Eleanor Imogen Niamh Philippa Saoirse".split(),
        "m": "Alasdair Callum Darragh Gareth Hamish Oisín Rhys Séamus".split(),
        "family": "Ashdown Blackwood Cadwallader Fairweather Gallagher MacInnes "
        "Ó'Dálaigh O'Rourke Pemberton Thistlewood".split(),
        "streets": ["{n} Harbour Row", "Flat {a}, {n} Quarry Hill", "{n} St Brigid's Terrace"],
        "towns": ["Leeds LS1 4AP", "Cardiff CF10 2AF", "Inverness IV2 3EN"],
        "phone": ("+447700900", 3),
        "locale": "en-GB",
        "zone": "Europe/London",
    },
    {
        "f": "Amélie Chloé Éloïse Françoise Inès Léa Maëlys Zoé".split(),
        "m": "Aurélien Benoît Clément Gaël Jérôme Loïc Noël Rémi".split(),
        "family": "Beauchêne Carpentier Desrosiers Façonnet Lefèvre Marchand "
        "Prud'homme Sénéchal Vasseur".split(),
        "streets": ["{n} rue des Tanneurs", "{n} bis, quai Saint-Michel", "{n} allée du Château"],
        "towns": ["44000 Nantes", "69002 Lyon", "13006 Marseille"],
        "phone": ("+33199001", 3),
        "locale": "fr-FR",
        "zone": "Europe/Paris",
    },
    {
        "f": "Annika Brunhilde Jörgine Käthe Leonie Mareike Saskia Ulrike".split(),
        "m": "Björn Detlef Günther Jürgen Lukas Matthäus Sönke Till".split(),
        "family": "Brüggemann Dörfler Grünwald Hößle Kästner Lindenbaum "
        "Rößner Schwarzkopf Weiß".split(),
        "streets": ["Lindenstraße {n}", "Am Mühlbach {n}", "Königsallee {n}, Hinterhaus"],
        "towns": ["10115 Berlin", "04109 Leipzig", "50667 Köln"],
        "phone": ("+493023125", 3),
        "locale": "de-DE",
        "zone": "Europe/Berlin",
    },
    {
        "f": "Agnieszka Bożena Kasia Łucja Małgorzata Zuzanna".split(),
        "m": "Bartłomiej Dawid Grzegorz Łukasz Przemysław Żegota".split(),
        "family": "Błaszczyk Dąbrowski Gołąb Jędrzejczyk Kwiatek Sieńko Źródło".split(),
        "streets": ["ul. Kwiatowa {n}", "ul. Świętojańska {n}/{a}"],
        "towns": ["80-001 Gdańsk", "30-059 Kraków", "90-001 Łódź"],
        "phone": ("+48000000", 3),
        "locale": "pl-PL",
        "zone": "Europe/Warsaw",
    },
    {
        "f": "Begoña Inés Lucía Marisol Ximena Yolanda".split(),
        "m": "Álvaro Íñigo Joaquín Óscar Rubén Tomás".split(),
        "family": "Águila Cortázar Ibáñez Montenegro Muñoz Peñalver Zúñiga".split(),
        "streets": ["Calle Mayor {n}, {a}º izq.", "Avenida de la Constitución {n}"],
        "towns": ["28013 Madrid", "46002 Valencia", "41001 Sevilla"],
        "phone": ("+34000000", 3),
        "locale": "es-ES",
        "zone": "Europe/Madrid",
    },
    {
        "f": "Aiko Haruka Misaki Sakura Yui".split(),
        "m": "Daichi Haruto Kenji Ren Takumi".split(),
        "family": "Fujimoto Hoshino Ishikawa Kobayashi Morita Tanabe".split(),
        "streets": ["{a}-{n} Sakuragaoka", "{n} Minami-machi"],
        "towns": ["Kyoto 604-8571", "Sapporo 060-8611", "東京都 100-0001"],
        "phone": ("+81000000", 4),
        "locale": "ja-JP",
        "zone": "Asia/Tokyo",
    },
    {
        "f": "Ananya Divya Kavitha Meera Priyanka Sunita".split(),
        "m": "Arjun Devendra Harish Karthik Rohan Vikram".split(),
        "family": "Banerjee Chaudhary Deshpande Iyer Kulkarni Raghunathan Sethi".split(),
        "streets": ["{n}, Lake View Road", "House {a}, Cross {n}"],
        "towns": ["Bengaluru 560001", "Pune 411001", "Kolkata 700016"],
        "phone": ("+91000000", 4),
        "locale": "en-IN",
        "zone": "Asia/Kolkata",
    },
]

# Letters that have no ASCII letter inside them for NFKD to find.
PLAIN_LETTERS = str.maketrans({"ł": "l", "Ł": "L", "ß": "ss", "ø": "o", "đ": "d"})


class Dice:
    """Choices that come out the same on every Python 3: of the standard
    generator only `random()` is promised never to change."""

    def __init__(self, seed):
        self._random = random.Random(seed).random

    def below(self, n):
        return int(self._random() * n)

    def between(self, low, high):
        return low + self.below(high - low + 1)

    def pick(self, items):
        return items[self.below(len(items))]

    def chance(self, share):
        return self._random() < share


def plain(text):
    """The text in ASCII letters, in lower case, for usernames and addresses."""
    folded = unicodedata.normalize("NFKD", text.translate(PLAIN_LETTERS))
    return "".join(c for c in folded if c.isascii() and c.isalnum()).lower()


def make_person(dice, taken):
    """One good row, as a dict of all columns. `taken` holds the usernames so
    far, without their accents: no two are the same in any spelling."""
    place = dice.pick(PLACES)
    kind = dice.pick(["f", "m"])
    given = dice.pick(place[kind])
    family = dice.pick(place["family"])
    middle = dice.pick(place[kind]) if dice.chance(0.3) else ""
    if middle == given:
        middle = ""

    handle, n = f"{plain(given)}.{plain(family)}", 1
    while handle in taken:
        n += 1
        handle = f"{plain(given)}.{plain(family)}{n}"
    taken.add(handle)
    username = handle
    if n == 1 and dice.chance(0.2):
        # Some directories keep the accents.
        username = f"{given}.{family}".replace("'", "").lower()

    prefix, digits = place["phone"]
    phone = ""
    if dice.chance(0.7):
        phone = prefix + str(dice.below(10**digits)).rjust(digits, "0")

    address = ""
    if dice.chance(0.8):
        street = dice.pick(place["streets"]).format(n=dice.between(1, 180), a=dice.between(1, 9))
        address = f"{street}, {dice.pick(place['towns'])}"

    year = dice.between(1941, 2007)
    month = dice.between(1, 12)
    day = dice.between(1, calendar.monthrange(year, month)[1])

    site = "https://people.example.com/"
    return {
        "name": " ".join(part for part in (given, middle, family) if part),
        "given_name": given,
        "family_name": family,
        "middle_name": middle,
        "nickname": given[: dice.between(2, 4)] if dice.chance(0.2) else "",
        "preferred_username": f"{plain(given)}{year % 100:02}" if dice.chance(0.25) else "",
        "profile": f"{site}{handle}" if dice.chance(0.35) else "",
        "picture": f"{site}{handle}/portrait.jpg" if dice.chance(0.3) else "",
        "website": f"https://{plain(family)}.example.net" if dice.chance(0.1) else "",
        "email": f"{handle}@{dice.pick(['example.com', 'example.org', 'mail.example.net'])}",
        "email_verified": dice.pick(["true"] * 12 + ["TRUE", "True"]),
        "gender": {"f": "female", "m": "male"}[kind] if dice.chance(0.6) else "",
        "birthdate": f"{month:02}/{day:02}/{year}" if dice.chance(0.85) else "",
        "zoneinfo": place["zone"],
        "locale": place["locale"],
        "phone_number": phone,
        "phone_number_verified": dice.pick(["true", "false"]) if phone else dice.pick(["false", ""]),
        "address": address,
        "updated_at": str(NEWEST_UPDATE - dice.below(6 * 365 * 86400)),
        "cognito:mfa_enabled": dice.pick(["false", "false", ""]),
        "cognito:username": username,
    }


def put(**values):
    """A fault that sets columns. `__` in a keyword stands for the `:` of a name."""

    def break_it(person):
        for column, value in values.items():
            person[column.replace("__", ":")] = value

    return break_it


def repeat(respell, ascii_only=True):
    """A fault that takes over the username of an earlier good row, respelt. The
    row is otherwise somebody else's."""

    def break_it(person, earlier):
        person["cognito:username"] = respell(earlier["cognito:username"])

    def suits(earlier):
        # `ß` has no capital that comes back to it.
        username = earlier["cognito:username"]
        return username.isascii() == ascii_only and respell(username).lower() == username

    break_it.suits = suits
    return break_it


def text(fault):
    """A fault of the row as a text: it is given the finished row and answers another."""
    fault.of_text = True
    return fault


@text
def stray_commas(row):
    # What a spreadsheet export without quoting makes of an address.
    fields = row.split(",")
    fields[17:18] = ["7 Kiln Yard", " Whitby", " YO21 1AA"]
    return ",".join(fields)


@text
def cut_off(row):
    return ",".join(row.split(",")[:12])


@text
def trailing_comma(row):
    return row + ","


@text
def open_quote(row):
    # In the last column, so that the number of fields is right and the quote
    # is the only fault. No quote follows in the file.
    fields, username = row.rsplit(",", 1)
    return f'{fields},"{username}'


def words(length):
    return ("muster roll " * (length // 12 + 1))[: length - 1] + "x"


def overlong(person):
    # Each value is within its own limit; together they pass the row's.
    for column in HEADER[:9]:
        person[column] = words(2000)
    # No quoted field across the limit: that would be a fault of another kind.
    person["address"] = ""


FAULTS = [
    ("INVALID_EMAIL", put(email="no-at-sign.example.com")),
    ("INVALID_PHONE_NUMBER", put(phone_number="(202) 555-0143", phone_number_verified="false")),
    ("INVALID_BIRTHDATE", put(birthdate="02/30/1984")),
    ("INVALID_BOOLEAN", put(email_verified="yes")),
    ("VERIFIED_WITHOUT_VALUE", put(email="")),
    ("NO_VERIFIED_ATTRIBUTE", put(email_verified="false")),
    ("MISSING_USERNAME", put(cognito__username="")),
    ("INVALID_USERNAME", put(cognito__username="front desk")),
    ("WRONG_FIELD_COUNT", stray_commas),
    ("DUPLICATE_IN_FILE", repeat(str)),
    ("ATTRIBUTE_TOO_LONG", put(profile="https://people.example.com/" + "p" * 2048)),
    ("INVALID_UPDATED_AT", put(updated_at="2024-11-05T08:15:00Z")),
    ("MFA_NOT_ALLOWED", put(cognito__mfa_enabled="true")),
    ("INVALID_EMAIL", put(email="two@signs@example.com")),
    ("INVALID_PHONE_NUMBER", put(phone_number="+0441632960", phone_number_verified="false")),
    ("DUPLICATE_IN_FILE", repeat(str.upper)),
    ("INVALID_BIRTHDATE", put(birthdate="1990-04-17")),
    ("NO_VERIFIED_ATTRIBUTE", put(email_verified="")),
    ("INVALID_USERNAME", put(cognito__username="u" * 129)),
    ("WRONG_FIELD_COUNT", cut_off),
    ("VERIFIED_WITHOUT_VALUE", put(phone_number="", phone_number_verified="true")),
    ("ROW_TOO_LONG", overlong),
    ("INVALID_BOOLEAN", put(phone_number_verified="0")),
    ("INVALID_UPDATED_AT", put(updated_at="-1")),
    ("INVALID_EMAIL", put(email="@example.org")),
    ("INVALID_PHONE_NUMBER", put(phone_number="+123456", phone_number_verified="false")),
    ("DUPLICATE_IN_FILE", repeat(str.title)),
    ("MISSING_USERNAME", put(cognito__username="   ")),
    ("INVALID_BIRTHDATE", put(birthdate="13/01/1975")),
    ("NO_VERIFIED_ATTRIBUTE", put(email="", email_verified="")),
    ("ATTRIBUTE_TOO_LONG", put(nickname=words(2049))),
    ("INVALID_BOOLEAN", put(cognito__mfa_enabled="off")),
    ("INVALID_EMAIL", put(email="reception@example..com")),
    ("WRONG_FIELD_COUNT", trailing_comma),
    ("INVALID_PHONE_NUMBER", put(phone_number="+1202555014312345", phone_number_verified="true")),
    ("INVALID_BIRTHDATE", put(birthdate="02/29/1999")),
    ("DUPLICATE_IN_FILE", repeat(str)),
    ("INVALID_UPDATED_AT", put(updated_at="1700000000.5")),
    ("MFA_NOT_ALLOWED", put(cognito__mfa_enabled="TRUE")),
    ("INVALID_EMAIL", put(email="lost.property@")),
    ("DUPLICATE_IN_FILE", repeat(str.upper, ascii_only=False)),
]

# Good rows that show what a good file may hold: 0-based row and what to set.
SHOWPIECES = {
    4: put(address="The Old Smithy\n3 Forge Lane\nHawkshead, LA22 0NS"),
    11: put(nickname='"Red"', address='Cottage "Two Hoots", 9 Owl Rise, Kendal'),
    19: put(name="  Trimmed On Both Sides  "),
    33: put(family_name="de la Cruz, Jr.", nickname="AC\\DC"),
    47: put(address="北海道札幌市中央区北1条西2丁目, 060-8611", nickname="雪だるま ☃"),
    61: put(birthdate="02/29/2000"),
    75: put(birthdate="", phone_number="", phone_number_verified="", updated_at=""),
    90: put(email_verified="tRuE"),
}


def write_field(value, dice, may_quote):
    """The value as a field. One with commas is quoted mostly, and sometimes
    has them escaped, as Cognito's documentation has it."""
    must_quote = '"' in value or "\n" in value
    if must_quote or ("," in value and may_quote and dice.chance(0.7)):
        return '"' + value.replace('"', '""') + '"'
    return value.replace(",", "\\,")


def make():
    """Answers the text of users.csv and the expectations."""
    dice = Dice(SEED)
    taken = set()
    # Broken rows lie about evenly over the file, never on the first ones and
    # never on a showpiece. The open quote comes last, near the end.
    step = (ROWS - 60) // len(FAULTS)
    faults = {}
    for i, fault in enumerate(FAULTS):
        row = 30 + i * step + dice.below(step)
        while row in SHOWPIECES or row in faults:
            row += 1
        faults[row] = fault
    open_quote_row = ROWS - 9
    faults[open_quote_row] = ("UNTERMINATED_QUOTE", open_quote)

    lines = [",".join(HEADER)]
    line = 2
    good = []
    rejected = []
    for row in range(ROWS):
        person = make_person(dice, taken)
        code, fault = faults.get(row, (None, None))
        if fault is not None and not hasattr(fault, "of_text"):
            if hasattr(fault, "suits"):
                fault(person, dice.pick([p for p in good if fault.suits(p)]))
            else:
                fault(person)
        if row in SHOWPIECES:
            SHOWPIECES[row](person)

        # Faults that count fields on the text need a row without commas inside.
        if hasattr(fault, "of_text"):
            person["address"] = ""
        finished = ",".join(write_field(person[c], dice, row < open_quote_row) for c in HEADER)
        if hasattr(fault, "of_text"):
            finished = fault(finished)

        if code is None:
            good.append(person)
        else:
            rejected.append({"line": line, "code": code})
        lines.append(finished)
        line += 1 + finished.count("\n")

    skipped = sum(r["code"] in SKIPPED_CODES for r in rejected)
    expected = {
        "imported": len(good),
        "skipped": skipped,
        "failed": len(rejected) - skipped,
        "rejected": rejected,
    }
    return "\n".join(lines) + "\n", expected


def show(expected):
    """The expectations as JSON, one rejected row a line."""
    counts = "".join(f'  "{k}": {expected[k]},\n' for k in ("imported", "skipped", "failed"))
    rows = ",\n".join("    " + json.dumps(r) for r in expected["rejected"])
    return "{\n" + counts + '  "rejected": [\n' + rows + "\n  ]\n}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--check", action="store_true", help="compare the files, change nothing")
    check = parser.parse_args().check

    users, expected = make()
    stale = []
    for path, content in ((CSV_FILE, users), (EXPECTED_FILE, show(expected))):
        if not check:
            path.write_bytes(content.encode())
        elif not path.exists() or path.read_bytes() != content.encode():
            stale.append(path.name)
    if stale:
        sys.exit(f"not what make_users.py makes: {', '.join(stale)}; run it without --check")


if __name__ == "__main__":
    main()

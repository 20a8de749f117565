"""Countries as lists and forms write them, to ISO 3166 codes. In: a name or code. Out: two lower-case letters.

English short names as lists use them, with the variants seen; not every name of every country.
"""

from __future__ import annotations

_NAMES = """
ad andorra/ae united arab emirates,uae/af afghanistan/ag antigua and barbuda/al albania/am armenia/ao angola
ar argentina/at austria/au australia/az azerbaijan/ba bosnia and herzegovina,bosnia/bb barbados/bd bangladesh
be belgium/bf burkina faso/bg bulgaria/bh bahrain/bi burundi/bj benin/bm bermuda/bn brunei,brunei darussalam
bo bolivia/br brazil/bs bahamas,the bahamas/bt bhutan/bw botswana/by belarus/bz belize/ca canada
cd congo democratic republic of the,democratic republic of the congo,congo (democratic republic),dr congo,drc
cf central african republic/cg congo,republic of the congo,congo republic of the/ch switzerland
ci cote d'ivoire,ivory coast,côte d'ivoire/cl chile/cm cameroon/cn china,people's republic of china,mainland china
co colombia/cr costa rica/cu cuba/cv cabo verde,cape verde/cw curacao,curaçao/cy cyprus,republic of cyprus
cz czech republic,czechia/de germany/dj djibouti/dk denmark/dm dominica/do dominican republic/dz algeria/ec ecuador
ee estonia/eg egypt/er eritrea/es spain/et ethiopia/fi finland/fj fiji/fr france/ga gabon
gb united kingdom,great britain,uk,england,scotland,wales,northern ireland/gd grenada/ge georgia/gg guernsey/gh ghana
gi gibraltar/gm gambia,the gambia/gn guinea/gq equatorial guinea/gr greece/gt guatemala/gw guinea-bissau/gy guyana
hk hong kong,hong kong (china)/hn honduras/hr croatia/ht haiti/hu hungary/id indonesia/ie ireland/il israel
im isle of man/in india/iq iraq/ir iran,iran (islamic republic of),islamic republic of iran/is iceland/it italy
je jersey/jm jamaica/jo jordan/jp japan/ke kenya/kg kyrgyzstan/kh cambodia/km comoros/kn saint kitts and nevis
kp north korea,korea north,democratic people's republic of korea,korea,dprk/kr south korea,korea south,republic of korea
kw kuwait/ky cayman islands/kz kazakhstan/la laos,lao people's democratic republic/lb lebanon/lc saint lucia
li liechtenstein/lk sri lanka/lr liberia/ls lesotho/lt lithuania/lu luxembourg/lv latvia/ly libya/ma morocco/mc monaco
md moldova,republic of moldova/me montenegro/mg madagascar/mh marshall islands/mk north macedonia,macedonia
ml mali/mm burma,myanmar/mn mongolia/mo macau,macao/mr mauritania/mt malta/mu mauritius/mv maldives/mw malawi/mx mexico
my malaysia/mz mozambique/na namibia/ne niger/ng nigeria/ni nicaragua/nl netherlands,the netherlands,holland/no norway
np nepal/nz new zealand/om oman/pa panama/pe peru/pg papua new guinea/ph philippines/pk pakistan/pl poland
ps palestinian,west bank,gaza,palestine,state of palestine/pt portugal/pw palau/py paraguay/qa qatar/ro romania
rs serbia/ru russia,russian federation/rw rwanda/sa saudi arabia/sb solomon islands/sc seychelles/sd sudan/se sweden
sg singapore/si slovenia/sk slovakia/sl sierra leone/sm san marino/sn senegal/so somalia/sr suriname/ss south sudan
st sao tome and principe/sv el salvador/sy syria,syrian arab republic/sz eswatini,swaziland/tc turks and caicos islands
td chad/tg togo/th thailand/tj tajikistan/tl timor-leste,east timor/tm turkmenistan/tn tunisia/to tonga
tr turkey,turkiye,türkiye/tt trinidad and tobago/tw taiwan/tz tanzania,united republic of tanzania/ua ukraine/ug uganda
us united states,united states of america,usa/uy uruguay/uz uzbekistan/va holy see/vc saint vincent and the grenadines
ve venezuela/vg virgin islands british,british virgin islands/vn vietnam,viet nam/vu vanuatu/ws samoa/xk kosovo/ye yemen
za south africa/zm zambia/zw zimbabwe
"""


def _read() -> dict[str, str]:
    by_name: dict[str, str] = {}
    for country in _NAMES.strip().replace("\n", "/").split("/"):
        code, _, names = country.partition(" ")
        by_name[code] = code
        by_name.update(dict.fromkeys(names.split(","), code))
    return by_name


_BY_NAME = _read()
NAMES_AND_CODES = frozenset(_BY_NAME)
"""All names and codes that are known, in lower case."""


def country_code(text: str) -> str:
    """The ISO code of a country's name or code; an empty string for what is not known."""
    plain = " ".join(text.lower().replace(",", " ").split())
    return _BY_NAME.get(plain, "")

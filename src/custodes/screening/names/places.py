"""Places in names of firms: countries, what is of them, regions and large cities. In: words. Out: which are places.

A place behind a name says where a branch is, not whose firm it is. Words are as ``scripts.latin`` spells them; a place
of several words is written with underscores. Written from general knowledge, not from any list.
"""

from __future__ import annotations

from collections.abc import Sequence

from custodes.screening.names.scripts import latin
from custodes.screening.words.countries import NAMES_AND_CODES

_OWN_NAMES = """
nederland nederlands nederlandse pays-bas niederlande holanda paises_bajos holland hollandse niderlandy
deutschland deutsche deutscher deutsches alemania allemagne germania osterreich oesterreich austria schweiz suisse
svizzera france francaise francais frankreich francia italia italiana italiano italien italie espana espanola espanol
spanien espagne portugal portuguesa portugues belgie belgique belgien belgica vlaanderen wallonie luxemburg luxembourg
danmark dansk sverige svenska norge norsk suomi finland finnland island irlanda ireland eire britannia britain
britanniya polska polski polen pologne cesko ceska ceske slovensko slovenska magyar magyarorszag hungaria romania
romana rumania
balgariya bulgariya hrvatska srbija srpska slovenija crna_gora makedonija shqiperi ellas hellas elliniki grecia kypros
kibris turkiye turk turkiya rossiya rossii rossiyskiy rossiyskaya rossiyskoe russland russie rusia rusya ukraina ukrainy
ukraine belarus belarusi belorussiya kazakhstan qazaqstan uzbekistan gruziya sakartvelo armeniya azerbaycan azerbaydzhan
eesti latvija lietuva moldova brasil brasileira mexicana maroc algerie tunisie misr masr libnan suriya iraq iran jomhuri
zhongguo nippon nihon hanguk bharat
"""
_OF_THEM = """
dutch german austrian swiss french italian spanish portuguese belgian danish swedish norwegian finnish icelandic irish
british english scottish welsh polish czech slovak hungarian romanian bulgarian croatian serbian slovenian bosnian
albanian greek cypriot maltese turkish russian ukrainian belarusian belorussian moldovan georgian armenian azerbaijani
kazakh uzbek turkmen tajik kyrgyz estonian latvian lithuanian american canadian mexican cuban brazilian argentine
argentinian chilean colombian venezuelan peruvian bolivian ecuadorian panamanian egyptian moroccan algerian tunisian
libyan sudanese ethiopian kenyan nigerian ghanaian african syrian lebanese jordanian israeli palestinian iraqi iranian
persian saudi emirati kuwaiti qatari omani yemeni bahraini afghan pakistani indian bangladeshi nepalese thai vietnamese
malaysian indonesian singaporean filipino philippine chinese taiwanese japanese korean mongolian australian zealand
european asian arab arabian islamic
"""
_REGIONS = """
europe europa evropa europeen europeenne europaische benelux baltic baltics balkan balkans nordic nordics scandinavia
skandinavia iberia iberica alps alpine mediterranean adriatic asia asie azia pacific africa afrika afrique america
americas amerika amerique latam emea apac mena cis sng gcc eurasia evraziya middle_east near_east far_east gulf levant
maghreb caribbean caucasus kavkaz siberia sibir siberian ural urals volga povolzhe donbas donbass crimea krym krim
crimean north south east west northern southern eastern western central noord zuid oost nord sud ost mitte zapad vostok
sever yug dach uk usa eu uae ussr sssr england scotland wales ulster bavaria bayern saxony sachsen hessen catalonia
catalunya andalucia normandie bretagne alsace lombardia toscana sicilia sardegna tatarstan bashkortostan chechnya
dagestan abkhazia ossetia transnistria luhansk lugansk donetsk kherson zaporizhzhia zaporozhye sevastopol simferopol
"""
_CITIES = """
amsterdam rotterdam den_haag the_hague utrecht eindhoven groningen tilburg breda almere maastricht antwerp antwerpen
anvers brussels brussel bruxelles ghent gent liege luik berlin hamburg munich munchen muenchen koln koeln cologne
frankfurt stuttgart dusseldorf duesseldorf leipzig dresden bremen hannover hanover nurnberg vienna wien graz linz
salzburg zurich zuerich geneva geneve genf basel bern lausanne lugano zug paris lyon marseille toulouse nice bordeaux
lille strasbourg nantes milan milano rome roma turin torino naples napoli venice venezia genoa genova bologna florence
firenze madrid barcelona valencia sevilla seville bilbao malaga lisbon lisboa porto london manchester birmingham leeds
liverpool bristol glasgow edinburgh belfast cardiff dublin cork copenhagen kobenhavn aarhus stockholm goteborg
gothenburg malmo oslo bergen helsinki tampere tallinn riga vilnius kaunas warsaw warszawa krakow cracow gdansk
wroclaw poznan lodz
prague praha brno bratislava budapest bucharest bucuresti cluj sofia plovdiv varna belgrade beograd zagreb ljubljana
sarajevo skopje tirana podgorica athens athina thessaloniki nicosia lefkosia limassol lemesos larnaca valletta istanbul
ankara izmir antalya moscow moskva moskovskiy moskovskaya saint_petersburg sankt_peterburg st_petersburg peterburg
petersburg leningrad novosibirsk ekaterinburg yekaterinburg kazan samara ufa rostov krasnodar vladivostok kaliningrad
perm omsk chelyabinsk minsk gomel brest kyiv kiev lviv lvov odesa odessa kharkiv kharkov dnipro chisinau tbilisi batumi
yerevan baku almaty astana nur_sultan tashkent bishkek dushanbe ashgabat dubai dubay abu_dhabi sharjah ajman fujairah
ras_al_khaimah doha riyadh jeddah dammam kuwait_city manama muscat sanaa aden baghdad basra erbil tehran teheran isfahan
esfahan tabriz mashhad shiraz damascus dimashq aleppo halab homs latakia beirut beyrouth amman jerusalem tel_aviv haifa
gaza cairo alexandria casablanca rabat tangier algiers alger tunis tripoli benghazi khartoum nairobi lagos accra addis
johannesburg cape_town kabul kandahar herat karachi lahore islamabad peshawar delhi new_delhi mumbai bangalore chennai
kolkata dhaka colombo kathmandu bangkok hanoi ho_chi_minh saigon kuala_lumpur singapore jakarta manila hong_kong
hongkong macau shanghai beijing peking shenzhen guangzhou tianjin dalian dandong qingdao ningbo taipei tokyo osaka
seoul busan pyongyang ulaanbaatar sydney melbourne perth auckland toronto montreal vancouver new_york chicago boston
houston
dallas miami los_angeles san_francisco washington mexico_city guadalajara monterrey tijuana culiacan bogota medellin
cali caracas lima quito guayaquil havana habana santo_domingo panama_city buenos_aires montevideo santiago sao_paulo
rio_de_janeiro brasilia
"""


def _phrases() -> frozenset[tuple[str, ...]]:
    found = {tuple(place.split("_")) for table in (_OWN_NAMES, _OF_THEM, _REGIONS, _CITIES) for place in table.split()}
    for name in NAMES_AND_CODES:
        words = tuple(word for written in name.replace("(", " ").replace(")", " ").split() if (word := latin(written)))
        if words and len(name) > 2:
            found.add(words)
    return frozenset(found)


_PLACES = _phrases()
_LONGEST = max(map(len, _PLACES))
_CODES = frozenset(name for name in NAMES_AND_CODES if len(name) == 2) | {"uk", "eu"}


def places(words: Sequence[str]) -> set[int]:
    """Positions in ``words`` that are part of a place's name."""
    found: set[int] = set()
    for at in range(len(words)):
        size = next(
            (n for n in range(min(_LONGEST, len(words) - at), 0, -1) if tuple(words[at : at + n]) in _PLACES), 0
        )
        found.update(range(at, at + size))
    return found


def single_places() -> frozenset[str]:
    """Places of one word."""
    return frozenset(place[0] for place in _PLACES if len(place) == 1)


def is_country_code(word: str) -> bool:
    """Whether ``word`` is the two-letter code of a country, which in brackets or at the end is a place."""
    return word in _CODES

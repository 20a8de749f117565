"""Legal forms and other words that say little about which firm is meant. In: words of a name. Out: the telling ones.

The tables hold spellings as they come out of ``scripts.latin``, so that Cyrillic forms are here in Latin letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from rapidfuzz.distance import OSA

from custodes.screening.names.places import single_places

# One row per jurisdiction or language family; a form of several words is written with underscores.
_FORMS = """
ltd limited llc lc lp llp plc pllc inc incorporated corp corporation co company companies pty pte pvt private_limited
limited_liability_company limited_liability_partnership limited_partnership public_limited_company private_company
limited_company company_limited joint_stock_company public_joint_stock_company open_joint_stock_company
closed_joint_stock_company private_joint_stock_company jsc pjsc ojsc cjsc pllc unlimited
gmbh gesmbh mbh ag kg kgaa ohg gbr ug ev eg aktiengesellschaft kommanditgesellschaft
gesellschaft_mit_beschrankter_haftung
gmbh_co_kg gmbh_und_co_kg stiftung_co_kg se
bv nv vof cv besloten_vennootschap naamloze_vennootschap cooperatie
sa sas sarl sasu snc sci scs eurl societe_anonyme societe_a_responsabilite_limitee societe_par_actions_simplifiee bvba
sprl asbl
spa srl sapa societa_per_azioni societa_a_responsabilita_limitata
sl slu sau sa_de_cv de_cv srl_de_cv sociedad_anonima sociedad_limitada ltda limitada eireli sociedade_anonima cia
compania saic saci s_en_c
ab aktiebolag as asa aps a_s oy oyj ans hf ehf
doo dd as ad ead ood eood jsco sro spol_s_r_o kft zrt nyrt sp_z_o_o spolka_akcyjna
spolka_z_ograniczona_odpowiedzialnoscia uab ou sia
ooo oao zao pao ao tov vat prat pat tzov nao too chp ip fgup gup mup ano npo odo zat chup
obshchestvo_s_ogranichennoy_otvetstvennostyu obshchestvo_s_ogranichennoi_otvetstvennostyu
publichnoe_aktsionernoe_obshchestvo aktsionernoe_obshchestvo zakrytoe_aktsionernoe_obshchestvo
otkrytoe_aktsionernoe_obshchestvo tovarystvo_z_obmezhenoiu_vidpovidalnistiu federal_state_unitary_enterprise
federalnoe_gosudarstvennoe_unitarnoe_predpriyatie
anonim_sirketi anonim_shirketi limited_sirketi limited_shirketi ltd_sti sti tic san_ve_tic sanayi_ve_ticaret
fze fzco fzc fz_llc dmcc wll bsc saog saoc spc pjs ksc kscc sal sarl sal_offshore
pt tbk sdn_bhd bhd berhad kk kabushiki_kaisha godo_kaisha yugen_kaisha jusik_hoesa youxian_gongsi
youxianzerengongsi gufen_youxian_gongsi
"""
_FORM_WORDS = frozenset(tuple(form.split("_")) for form in _FORMS.split())
_MAX_FORM_LENGTH = max(map(len, _FORM_WORDS))
# Kept, but worth little: what a firm does, or where, is shared by thousands.
_GENERIC = """
affiliate branch filial filiale new partner partners plus representative subsidiary agency air airline airlines
airways association aviation banco bank bank-e banka bankasi banking banque bazargani bureau business capital center
centre chemical comercial comercializadora commerce commercial compagnie construction consultancy consulting
department design development distribution electronic electronics energy engineering enterprise enterprises equipment
establishment estate exchange export exports factory finance financial financing foundation fondation fondazione
freight fund fundacion fundacja gas general gesellschaft global group gruppa handel handels holding holdings import
imports industria industrial industrie industries industry institute insurance international invest investment
investments kholding kombinat laboratories laboratory line lines logistics machine management manufacturing marine
maritime marketing medical metal metals mining ministry national nauchno obedinenie office oil organisation
organization petrochemical petroleum plant power predpriyatie production products proizvodstvennoe project projects
promyshlennost real regional republic research sales sanat sanaye sanayi scientific securities security service
services sherkat shipping societe society software solutions state steel stichting stiftung supply system systems
technical technologie technologies technology tejarat tekhnika tekhnologii telecom textile ticaret tourism trade
trading transport transportation travel trust union unitary university venture ventures works world zavod
"""
GENERIC = frozenset(_GENERIC.split())


_IN_ORDER = tuple(dict.fromkeys(word for form in _FORMS.split() for word in form.split("_")))
_OF_FORMS = frozenset(_IN_ORDER)
_TAILS = _OF_FORMS | GENERIC | single_places()
_LONG_TAILS = (GENERIC | single_places()) - _OF_FORMS
_LONGEST_TAIL, _SHORTEST_REST = max(map(len, _TAILS)), 5
_LONG = tuple(word for word in _IN_ORDER if len(word) > 4)
_SHORT = tuple(word for word in _IN_ORDER if len(word) in (3, 4))


def without_forms(words: Sequence[str]) -> list[str]:
    """``words`` without legal forms at either end, a slip in a long one forgiven; all when nothing else is left."""
    left = [_meant(word) for word in words]
    while size := _form_at_end(left):
        left = left[:-size]
    start = 0
    while size := _form_at_start(left[start:]):
        start += size
    return list(words[start : len(left)]) or list(words)


@lru_cache(maxsize=65_536)
def _meant(word: str) -> str:
    """The word of a legal form that ``word`` is one slip away from, or ``word`` itself."""
    if word in _OF_FORMS or len(word) < 4:
        return word
    return next((one for one in _LONG if OSA.distance(one, word, score_cutoff=1) < 2), word)


@lru_cache(maxsize=65_536)
def without_tail(word: str) -> tuple[str, ...]:
    """What may be left of a word of a firm's name that has a legal form, a generic word or a place written to its end.

    Only what another name has as a word of its own makes anything of it, so every such reading is given.
    """
    found = [
        word[:-size] for size in range(2, min(_LONGEST_TAIL, len(word) - _SHORTEST_REST) + 1) if word[-size:] in _TAILS
    ]
    found += [
        word[size:] for size in range(3, min(_LONGEST_TAIL, len(word) - _SHORTEST_REST) + 1) if word[:size] in _TAILS
    ]
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=65_536)
def without_long_tail(word: str) -> str:
    """What a long word is without a generic word or a place of five letters or more at its end; empty for none."""
    sizes = range(_SHORTEST_REST, min(_LONGEST_TAIL, len(word) - _SHORTEST_REST - 1) + 1)
    return next((word[:-size] for size in reversed(sizes) if word[-size:] in _LONG_TAILS), "")


def is_of_a_form(word: str) -> bool:
    """Whether ``word`` is one of the words that legal forms are made of."""
    return word in _OF_FORMS


@lru_cache(maxsize=65_536)
def like_a_form(word: str) -> bool:
    """Whether a short word is one slip away from a legal form (LDT, LLCC)."""
    return len(word) < 6 and any(OSA.distance(one, word, score_cutoff=1) < 2 for one in _SHORT)


def _form_at_end(words: Sequence[str]) -> int:
    return next((n for n in range(min(_MAX_FORM_LENGTH, len(words)), 0, -1) if tuple(words[-n:]) in _FORM_WORDS), 0)


def _form_at_start(words: Sequence[str]) -> int:
    if len(words) < 2:
        return 0
    return next((n for n in range(min(_MAX_FORM_LENGTH, len(words) - 1), 0, -1) if tuple(words[:n]) in _FORM_WORDS), 0)

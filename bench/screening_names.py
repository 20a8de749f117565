"""Russian names as English, German and French write them, to measure screening with. Knows nothing of the product.

In: names as OFAC spells them, or Cyrillic. Out: Cyrillic, and the spelling of another language. Sources: BGN/PCGN 1947;
Duden's transcription of Russian; the French transcription of the Imprimerie nationale. The names of the dead at the end
are as the encyclopaedias of the three languages title them, so no rule of ours made them.
"""

from __future__ import annotations

import re

_ENGLISH = {"а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ё": "yo", "ж": "zh", "з": "z", "и": "i",
            "й": "y", "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t",
            "у": "u", "ф": "f", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "", "ы": "y", "ь": "",
            "э": "e", "ю": "yu", "я": "ya"}  # fmt: skip
_GERMAN = {**_ENGLISH, "в": "w", "ё": "jo", "ж": "sch", "з": "s", "й": "i", "х": "ch", "ц": "z", "ч": "tsch",
           "ш": "sch", "щ": "schtsch", "ю": "ju", "я": "ja"}  # fmt: skip
_FRENCH = {**_ENGLISH, "ё": "io", "ж": "j", "й": "ï", "у": "ou", "ч": "tch", "ш": "ch", "щ": "chtch", "ю": "iou",
           "я": "ia"}  # fmt: skip
_BACK = {latin: letter for letter, latin in _ENGLISH.items() if latin and letter not in "эый"} | {
    "ye": "е", "iy": "ий", "x": "кс", "j": "дж",
}  # fmt: skip
_VOWELS = "аеёиоуыэюя"


def cyrillic(word: str) -> str:
    """Guess the Russian spelling of an English one; empty where letters remain that no Russian word has."""
    word = word.lower()
    out = ""
    at = 0
    while at < len(word):
        size = next((n for n in (4, 3, 2, 1) if word[at : at + n] in _BACK), 0)
        if size:
            out += _BACK[word[at : at + size]]
        elif word[at] == "y":
            size = 1
            last = at == len(word) - 1
            out += "й" if out[-1:] in tuple(_VOWELS) else ("ий" if last else "ы")
        else:
            return ""
        at += size
    return out


def english(word: str) -> str:
    """BGN/PCGN with ye at the beginning and after vowels."""
    word = re.sub(rf"(?:^|(?<=[{_VOWELS}ьъ]))е", "ye", word)
    return "".join(_ENGLISH.get(letter, letter) for letter in word).capitalize()


def german(word: str) -> str:
    """Duden: w, sch, ch, z, tsch; s for з and ss for с between vowels; je where it is heard; -ski."""
    word = re.sub(r"ий$|ый$", "и", word)
    word = re.sub(rf"(?<=[{_VOWELS}])с(?=[{_VOWELS}])", "ss", word)
    word = re.sub(rf"(?:^|(?<=[{_VOWELS}ьъ]))е", "je", word)
    word = re.sub(r"кс", "x", word)
    return "".join(_GERMAN.get(letter, letter) for letter in word).capitalize()


def french(word: str) -> str:
    """French: ou, tch, ch, j, gu before e and i, ss between vowels, -ine for -in, -ski, ie after vowels."""
    word = re.sub(r"ий$|ый$", "и", word)
    word = re.sub(rf"(?<=[{_VOWELS}])с(?=[{_VOWELS}])", "ss", word)
    word = re.sub(rf"(?<=[{_VOWELS}ь])е", "ie", word)
    word = re.sub(r"^е", "ie", word)
    word = re.sub(r"г(?=[еиэ])", "gu", word)
    word = re.sub(r"кс", "x", word)
    word = re.sub(r"([иы])н$", r"\1не", word)
    return "".join(_FRENCH.get(letter, letter) for letter in word).capitalize()


# English; German; French
_DEAD = """
Nikita Khrushchev; Nikita Chruschtschow; Nikita Khrouchtchev
Pyotr Ilyich Tchaikovsky; Pjotr Iljitsch Tschaikowski; Piotr Ilitch Tchaïkovski
Sergei Rachmaninoff; Sergei Rachmaninow; Sergueï Rachmaninov
Sergei Prokofiev; Sergei Prokofjew; Sergueï Prokofiev
Dmitri Shostakovich; Dmitri Schostakowitsch; Dmitri Chostakovitch
Yuri Gagarin; Juri Gagarin; Youri Gagarine
Valentina Tereshkova; Walentina Tereschkowa; Valentina Terechkova
Boris Yeltsin; Boris Jelzin; Boris Eltsine
Mikhail Gorbachev; Michail Gorbatschow; Mikhaïl Gorbatchev
Alexander Pushkin; Alexander Puschkin; Alexandre Pouchkine
Anton Chekhov; Anton Tschechow; Anton Tchekhov
Fyodor Dostoevsky; Fjodor Dostojewski; Fiodor Dostoïevski
Leo Tolstoy; Lew Tolstoi; Léon Tolstoï
Aleksandr Solzhenitsyn; Alexander Solschenizyn; Alexandre Soljenitsyne
Marina Tsvetaeva; Marina Zwetajewa; Marina Tsvetaïeva
Anna Akhmatova; Anna Achmatowa; Anna Akhmatova
Sergei Yesenin; Sergei Jessenin; Sergueï Essénine
Mikhail Bulgakov; Michail Bulgakow; Mikhaïl Boulgakov
Ivan Turgenev; Iwan Turgenew; Ivan Tourgueniev
Nikolai Gogol; Nikolai Gogol; Nicolas Gogol
Mikhail Lermontov; Michail Lermontow; Mikhaïl Lermontov
Boris Pasternak; Boris Pasternak; Boris Pasternak
Vladimir Mayakovsky; Wladimir Majakowski; Vladimir Maïakovski
Maxim Gorky; Maxim Gorki; Maxime Gorki
Andrei Tarkovsky; Andrei Tarkowski; Andreï Tarkovski
Sergei Eisenstein; Sergei Eisenstein; Sergueï Eisenstein
Andrei Sakharov; Andrei Sacharow; Andreï Sakharov
Leonid Brezhnev; Leonid Breschnew; Léonid Brejnev
Yuri Andropov; Juri Andropow; Iouri Andropov
Konstantin Chernenko; Konstantin Tschernenko; Konstantin Tchernenko
Vyacheslav Molotov; Wjatscheslaw Molotow; Viatcheslav Molotov
Lavrentiy Beria; Lawrenti Beria; Lavrenti Beria
Georgy Zhukov; Georgi Schukow; Gueorgui Joukov
Mikhail Tukhachevsky; Michail Tuchatschewski; Mikhaïl Toukhatchevski
Nikolai Bukharin; Nikolai Bucharin; Nikolaï Boukharine
Grigory Zinoviev; Grigori Sinowjew; Grigori Zinoviev
Alexei Kosygin; Alexei Kossygin; Alexeï Kossyguine
Andrei Gromyko; Andrei Gromyko; Andreï Gromyko
Sergei Korolev; Sergei Koroljow; Sergueï Korolev
Konstantin Tsiolkovsky; Konstantin Ziolkowski; Constantin Tsiolkovski
Dmitri Mendeleev; Dmitri Mendelejew; Dmitri Mendeleïev
Nikolai Rimsky-Korsakov; Nikolai Rimski-Korsakow; Nikolaï Rimski-Korsakov
Modest Mussorgsky; Modest Mussorgski; Modeste Moussorgski
Alexander Borodin; Alexander Borodin; Alexandre Borodine
Mikhail Glinka; Michail Glinka; Mikhaïl Glinka
Alexander Scriabin; Alexander Skrjabin; Alexandre Scriabine
Igor Stravinsky; Igor Strawinsky; Igor Stravinsky
Mstislav Rostropovich; Mstislaw Rostropowitsch; Mstislav Rostropovitch
Sviatoslav Richter; Swjatoslaw Richter; Sviatoslav Richter
Rudolf Nureyev; Rudolf Nurejew; Rudolf Noureev
Maya Plisetskaya; Maja Plissezkaja; Maïa Plissetskaïa
Vladimir Vysotsky; Wladimir Wyssozki; Vladimir Vyssotski
Mikhail Tal; Michail Tal; Mikhaïl Tal
Mikhail Botvinnik; Michail Botwinnik; Mikhaïl Botvinnik
Vasily Smyslov; Wassili Smyslow; Vassili Smyslov
Tigran Petrosian; Tigran Petrosjan; Tigran Petrossian
Lev Yashin; Lew Jaschin; Lev Yachine
Ilya Repin; Ilja Repin; Ilia Répine
Kazimir Malevich; Kasimir Malewitsch; Kasimir Malevitch
Vsevolod Meyerhold; Wsewolod Meyerhold; Vsevolod Meyerhold
"""


def the_dead() -> list[tuple[str, str, str]]:
    """Names in English, German and French."""
    return [tuple(part.strip() for part in line.split(";")) for line in _DEAD.strip().splitlines()]  # type: ignore[misc]

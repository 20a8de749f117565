"""Words of persons' names that millions bear. In: a word. Out: whether it is one of these.

Two persons who share two of them share little. Written from general knowledge of the commonest given names and surnames
of large languages, as ``given_names`` and ``scripts`` spell them; not made from any list.
"""

from __future__ import annotations

from custodes.screening.words.given_names import LATIN

_COMMON = """
muhammad ahmad mahmud hassan hussein ali umar uthman yusuf ibrahim ismail khalid said salih salim sulayman mustafa qasim
jamal karim rashid rahman rahim hamid nasir abdallah abdrahman hashim mahdi mansur tahir sharif sayyid haji amir aziz
habib reza riza akbar abbas asad musa isa khan shah gul din bibi begum noor nur hussain malik qureshi akhtar iqbal anwar
jose maria juan luis carlos jesus antonio francisco miguel pedro manuel jorge rafael alejandro fernando ricardo roberto
eduardo sergio daniel david javier ana rosa carmen garcia rodriguez martinez hernandez lopez gonzalez perez sanchez
ramirez torres flores rivera gomez diaz cruz morales ortiz gutierrez chavez ramos reyes ruiz alvarez mendoza vargas
castillo jimenez moreno romero herrera medina aguilar castro vega guzman munoz rojas
john james robert michael william richard joseph thomas charles christopher matthew anthony mark donald steven paul
andrew george kenneth edward brian mary patricia jennifer linda elizabeth barbara susan jessica sarah karen smith
johnson williams brown jones miller davis wilson anderson taylor moore jackson martin lee thompson white harris clark
lewis robinson walker young allen king wright scott hill green adams baker nelson campbell mitchell roberts
silva santos oliveira souza pereira costa rodrigues ferreira joao paulo lima almeida
jean pierre michel philippe nicolas francois marie bernard dubois durand hans peter klaus wolfgang muller mueller
schmidt schneider fischer weber meyer wagner becker giovanni giuseppe mario rossi russo
aleksandr sergei vladimir andrei aleksei dmitri nikolai ivan mihail igor viktor oleg yuri evgeni pavel anna elena olga
natalia tatyana irina ivanov petrov sidorov smirnov kuznetsov popov vasilev novikov
kumar singh sharma devi patel gupta raj ram das mohan krishna
wang li zhang liu chen yang huang zhao wu zhou xu sun ma zhu hu guo he gao lin luo zheng liang xie tang kim lee park
choi jung kang cho yoon jang lim nguyen tran pham
mehmet mustafa ahmet yilmaz kaya demir ayse fatma
"""
_WORDS = frozenset(_COMMON.split())


def is_common(word: str) -> bool:
    """Whether ``word``, spelled as in English, is a name that millions bear."""
    return word in _WORDS or LATIN.get(word, word) in _WORDS

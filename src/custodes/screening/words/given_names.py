"""Given names that are one name in several spellings. In: a word. Out: the spelling that stands for all of them.

Written from general knowledge of the names, not from any list: Arabic and Persian names whose vowels every language
writes its own way, with their Arabic spelling; East Slavic names that Russian and Ukrainian form differently.
"""

from __future__ import annotations

# stands for all: Latin spellings / Arabic and Persian spellings
_ARABIC = """
muhammad: mohammed mohamed mohammad mohamad muhammed muhamed muhamad mohd mahomed mohamoud mehmed / محمد
ahmad: ahmed akhmad akhmed ahmet / احمد أحمد
mahmud: mahmoud mahmood makhmud mahmut / محمود
hassan: hasan hassen / حسن
hussein: husayn hossein hussain husain hosein hussayn houssein hoseyn husein khusein huseyn / حسين حسین
ali: aly aliy / علي علی
umar: omar omer oumar / عمر
usama: osama oussama ousama / اسامة أسامة اسامه
uthman: othman osman usman ousmane / عثمان
yusuf: yousef youssef yousuf yousif yusef yosuf joseph yussuf youcef / يوسف یوسف
ibrahim: ebrahim ibraheem brahim ibragim / ابراهيم إبراهيم ابراهیم
ismail: ismael esmail ismaeel esmaeil ismayil / اسماعيل إسماعيل اسماعیل
khalid: khaled halid chalid / خالد
said: saeed saed saeid / سعيد سعید
salih: saleh salihu / صالح
salim: saleem salem / سالم سليم
sulayman: suleiman soleiman sulaiman suleyman soliman solaiman / سليمان سلیمان
mustafa: mostafa moustafa mustapha moustapha / مصطفى مصطفی
qasim: kassem qassem ghasem qasem kasim ghassem qassim kacem / قاسم
jamal: gamal djamal djamel jamaal / جمال
jafar: jaafar jaffar gafar djafar / جعفر
karim: kareem kerim / كريم کریم
rashid: rasheed rachid rasheid / رشيد رشید
rahman: rehman rahmaan / رحمن رحمان
rahim: raheem / رحيم رحیم
hamid: hameed / حميد حامد حمید
majid: majeed madjid maged / ماجد مجيد مجید
latif: lateef / لطيف
walid: waleed oualid / وليد
tariq: tarek tareq tarik tarique / طارق
faruq: farouk farooq faruk farouq / فاروق
nur: noor nour / نور
nasir: nasser naser nassir nasir / ناصر نصير
abdallah: abdullah abdulla abdalla abdoullah abdollah abdulah / عبدالله عبدالله
abd: / عبد
abdrahman: abdurrahman abdirahman abdorrahman / عبدالرحمن
hashim: hashem hachem hachim / هاشم
hisham: hesham hicham / هشام
haydar: haidar haider hyder heydar heidar / حيدر
muhsin: mohsen mohsin muhsen / محسن
mahdi: mehdi mahdy / مهدي مهدی
murad: mourad morad / مراد
mansur: mansour mansoor / منصور
masud: masoud massoud masood messaoud / مسعود
tahir: taher / طاهر
zahir: zaher / ظاهر
sharif: sherif shareef charif cherif / شريف شریف
shaykh: sheikh shaikh sheik cheikh / شيخ الشيخ
sayyid: sayed sayyed seyed syed saiyid seyyed / سيد سید
haji: hajji hadji haj hajj / حاجي حاجی حاج
mullah: mulla molla / ملا
mawlawi: maulavi mawlavi maulawi molvi / مولوي مولوی
amir: ameer emir / امير أمير امیر
aziz: azeez / عزيز عزیز
bashir: basheer bachir / بشير بشیر
fuad: fouad foad / فؤاد
ghulam: gholam golam / غلام
habib: habeeb / حبيب حبیب
idris: idriss edris / ادريس
iman: eman / ايمان
ilyas: elias elyas / الياس
jawad: javad jawwad djawad / جواد
kazim: kadhim kazem kadhem / كاظم کاظم
riza: reza rida ridha redha / رضا
riyad: riyadh riad riadh / رياض
samir: sameer / سمير سمیر
taha: / طه
yahya: yahia yehia / يحيى یحیی
yasin: yaseen yassin yassine / ياسين یاسین
yasir: yasser yaser / ياسر
yunus: younes yunis younis younus / يونس یونس
zayd: zaid zeid zayid / زيد زید
zaynab: zainab zeinab zaineb / زينب
fatima: fatimah fatema fatma / فاطمة فاطمه
aisha: ayesha aicha aysha / عائشة
maryam: mariam miriam meryem / مريم مریم
khadija: khadijah hadija / خديجة
munir: mounir muneer / منير
nabil: nabeel / نبيل
najib: najeeb nadjib nageeb / نجيب
rafiq: rafik rafiq / رفيق
sadiq: sadegh sadeq sadek / صادق
shahid: shaheed chahid / شهيد
sami: samy / سامي
talal: / طلال
wahid: waheed vahid / وحيد وحید
zakariya: zakaria zakariyya / زكريا زکریا
bilal: belal / بلال
faysal: faisal feisal fayssal / فيصل
farid: fareed / فريد فرید
fadil: fadel fadhil fazel fazil / فاضل
adil: adel / عادل
akbar: / اكبر أكبر اکبر
abbas: / عباس
asad: assad asaad / اسد أسد
musa: mousa moussa moosa / موسى موسی
mousavi: musavi moosavi moussavi mousawi musawi / موسوي موسوی
isa: issa eisa / عيسى عیسی
"""
_SLAVIC = """
vladimir: volodimir uladzimir
aleksandr: oleksandr aleksander alexander aleksandar aliaksandr alyaksandr alexandre oleksander
sergei: serhi serhii serhiy siarhei sergi serge sergiy
nikolai: mikola mykola nikolay mikalai
dmitri: dmitro dmytro dimitri dzmitri
mihail: mihailo mykhailo mikhailo
evgeni: evhen yevhen evgen evhenii yauhen
petr: petro pyotr potr piotr pjotr
igor: ihor
andrei: andri andrii andriy
aleksei: oleksi oleksii oleksiy aleksi aliaksei
pavel: pavlo
anna: hanna ganna
elena: olena yelena
ekaterina: kateryna katerina
natalia: nataliia nataliya natalya
nikita: mikita mykyta
grigori: hrihori hryhorii hryhoriy
georgi: heorhi heorhii
gennadi: hennadi hennadii
yuri: iurii yurii
vasili: vasil vasyl
iosif: yosyp osip
semen: semyon
artem: artyom
fedor: fyodor
"""


def _read(table: str) -> tuple[dict[str, str], dict[str, str]]:
    latin: dict[str, str] = {}
    arabic: dict[str, str] = {}
    for line in table.strip().splitlines():
        stands, _, rest = line.partition(":")
        spelled, _, original = rest.partition("/")
        for word in (stands, *spelled.split()):
            latin.setdefault(word, stands)
        for word in original.split():
            arabic.setdefault(word, stands)
    return latin, arabic


_LATIN, ARABIC = _read(_ARABIC)
"""``ARABIC`` gives the Latin spelling of names written in Arabic letters."""
LATIN = {**_LATIN, **_read(_SLAVIC)[0]}
"""From every Latin spelling to the one that stands for all."""

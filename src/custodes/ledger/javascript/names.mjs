// Under which names a party stands in the party map: rules of FORMAT.md, "Fingerprints of names", version 1.
// In: a name as anybody writes it, or an identifier. Out: the canonical names of its places.

const LETTERS = new Map([["ъ", ""], ["ь", ""], ["ä", "a"], ["ö", "o"], ["ü", "u"]]);
const WRITTEN = "а б в г д е ё ж з и й к л м н о п р с т у ф х ц ч ш щ ы э ю я і ї є ґ ў ј љ њ ћ ђ џ æ ø œ ł đ ð þ ı".split(" ");
const READ =
  "a b v g d e e zh z i i k l m n o p r s t u f kh ts ch sh shch y e iu ia i i e g u i li ni ch dj dz ae o oe l d d th i";
READ.split(" ").forEach((read, i) => LETTERS.set(WRITTEN[i], read));
const FOLDS = [
  [/schtsch|chtch|shch|tsch|tch|sch|sh|ch|kh|cz|dj/gu, "h"], [/zh/gu, "z"], [/ph/gu, "f"], [/th/gu, "t"],
  [/ck|q/gu, "k"], [/x/gu, "ks"], [/tz|ts|c(?=[eiy])/gu, "z"], [/c/gu, "k"], [/w/gu, "v"], [/ou|ue/gu, "u"],
  [/oe/gu, "o"], [/ae/gu, "a"], [/[yj]/gu, "i"], [/i(?=[aeou])/gu, ""], [/(.)\1/gu, "$1"],
];
const SOUNDS = [
  [/(?:ss?|t|c)ion/g, "sn"], [/igh/g, "i"], [/schtsch|chtch|shch|tsch|dzh|sch|tch|sh|zh|ch|dj|j/g, "s"],
  [/g(?=[eiy])/g, "s"], [/kh/g, "h"], [/ph/g, "f"], [/th/g, "t"], [/ck|q|c(?![eiy])/g, "k"], [/x/g, "ks"],
  [/ts|tz|c|z/g, "s"], [/[aeiouwy]/g, ""], [/(.)\1+/g, "$1"],
];
const FORMS = new Set(
  `bv nv vof cv ltd limited llc llp lp inc incorporated corp corporation co company plc gmbh ag kg ug se sa sas sarl srl
  spa oy oyj ab as asa aps sp zoo ooo oao pao zao ao ip fgup gup nao pte pty bhd sdn jsc pjsc ojsc cjsc dmcc fze fzco fzc
  ltda eood ood ead doo dd kft zrt tov the and und et
  obshchestvo ogranichennoi otvetstvennostiu aktsionernoe publichnoe zakrytoe otkrytoe s`.split(/\s+/).map(folded),
);
const TAILS = new Set(
  `holding holdings group trading trade international intl global world technologies technology tech software solutions
  systems services service industries enterprises ventures capital invest investment investments management consulting
  europe europa european nederland netherlands dutch holland benelux deutschland germany france belgium belgie uk usa eu
  nl de be fr cy ae ru cyprus emirates dubai amsterdam rotterdam london berlin paris moscow russia rossiia ukraine asia
  africa america americas emea middle east north south west central`.split(/\s+/),
);
const LONGEST = 400, MOST_WORDS = 24, SHORTEST_SOUND = 5;
const DOTTED = /(?<=(?<![\p{L}\p{N}_])[\p{L}\p{N}_])(?:[./](?=[\p{L}\p{N}_](?![\p{L}\p{N}_]))|\.(?![\p{L}\p{N}_]))/gu;

// A mark that combines (class other than 0) moves in front of U+0345, whose class, 240, is the highest of all.
const combines = (char) => char === "\u0345" || `\u0345${char}`.normalize("NFD") !== `\u0345${char}`;
// Full case folding of Unicode: what lower, upper and lower case give, one after the other, but for the final sigma and Cherokee.
const folding = (char) => {
  if (/[\u13a0-\u13fd\uab70-\uabbf]/u.test(char)) return char.toUpperCase();
  if (char === "ı") return char;
  return char.toLowerCase().toUpperCase().toLowerCase().replaceAll("ς", "σ");
};
function folded(word) {
  if (!/[a-z]/.test(word)) return word;
  for (let before = null; before !== word; ) {
    before = word;
    for (const [pattern, put] of FOLDS) word = word.replace(pattern, put);
  }
  return word;
}
function wordsOf(name) {
  let text = [...name.normalize("NFKC")].map(folding).join("");
  text = text.replace(DOTTED, "").replace(/['\u2019]/g, "");
  text = [...text].map((char) => LETTERS.get(char) ?? char).join("");
  text = [...text.normalize("NFKD")].filter((char) => !combines(char)).join("");
  return (text.match(/[\p{L}\p{N}]+/gu) ?? []).slice(0, MOST_WORDS);
}
const cut = (name) => [...name].slice(0, LONGEST).join("");
const byCodePoint = (a, b) => {
  const [left, right] = [[...a], [...b]].map((chars) => chars.map((char) => char.codePointAt(0)));
  for (let i = 0; i < Math.min(left.length, right.length); i++) if (left[i] !== right[i]) return left[i] - right[i];
  return left.length - right.length;
};
function fingerprint(name) {
  const words = [...new Set(wordsOf(name).map(folded))];
  const told = words.filter((word) => !FORMS.has(word));
  return (told.length > 0 ? told : words).sort(byCodePoint).join("-");
}
function soundOf(word) {
  if (!/^[a-z0-9]+$/.test(word)) return "";
  for (const [pattern, put] of SOUNDS) word = word.replace(pattern, put);
  return word.length >= SHORTEST_SOUND ? word : "";
}
/** All places of a name: as written, without its tail, and by its sound; none without words. */
export function nameKeys(name) {
  const words = wordsOf(cut(name));
  let told = words.filter((word) => !TAILS.has(word) && !FORMS.has(folded(word)));
  if (told.length === 0) told = words;
  const sound = soundOf(told.join(""));
  const prints = [fingerprint(cut(name)), fingerprint(cut(told.join(" ")))].filter(Boolean).map((one) => `namefp:${one}`);
  return [...new Set([...prints, ...(sound ? [`namesound:${sound}`] : [])])];
}

const SPACE = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
const strip = (value) => value.replace(new RegExp(`^${SPACE}+|${SPACE}+$`, "g"), "");
const REGISTERS = {
  lei: /^[0-9A-Z]{18}[0-9]{2}$/,
  "nl-kvk": /^[0-9]{8}$/,
  "ru-inn": /^(?:[0-9]{10}|[0-9]{12})$/,
  "ru-ogrn": /^(?:[0-9]{13}|[0-9]{15})$/,
  "gb-coh": /^[0-9A-Z]{2}[0-9]{6}$/,
  domain: /^(?=.{3,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$/,
};
/** The place of a number in a register; null when it is none. */
export function identifierKey(scheme, value) {
  const plain =
    scheme === "domain" ? strip(value).toLowerCase() : value.replace(new RegExp(`${SPACE}|[.-]`, "g"), "").toUpperCase();
  const known = strip(scheme).toLowerCase();
  if (Object.hasOwn(REGISTERS, known)) return `${known}:${plain}`;
  if (/^[a-z0-9-]{1,24}$/.test(known) && /^[0-9A-Z/_]{1,64}$/.test(plain)) return `id:${known}/${plain}`;
  return null;
}
/** "account" or "party": the map in which an identifier would stand; null when it is not in canonical form. */
export function mapOf(identifier) {
  const at = identifier.indexOf(":");
  const [scheme, value] = at < 0 ? [identifier, ""] : [identifier.slice(0, at), identifier.slice(at + 1)];
  if (scheme === "acct") return /^[0-9]{12}$/.test(value) ? "account" : null;
  if (scheme === "namefp") {
    const good = value.length > 0 && [...value].length <= 20 * LONGEST && !/^-|\n/.test(value);
    return good && fingerprint(value.replaceAll("-", " ")) === value ? "party" : null;
  }
  if (scheme === "namesound") return /^[b-df-hj-np-tvxz0-9]{5,400}$/.test(value) ? "party" : null;
  if (scheme === "id") return /^[a-z0-9-]{1,24}\/[0-9A-Z/_]{1,64}$/.test(value) ? "party" : null;
  return Object.hasOwn(REGISTERS, scheme) && REGISTERS[scheme].test(value) ? "party" : null;
}

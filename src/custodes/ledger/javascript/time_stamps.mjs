// Time stamps by outside authorities (RFC 3161) and states that witnesses saw, beside a statement.
// In: a file of stamps, the certificates that the reader pins (PEM), the statement's log and period. Out: between which
// entries the period lies, or Invalid.

import { ed25519 } from "./curve.mjs";
import * as enc from "./encoding.mjs";
import * as log from "./log.mjs";
const { need, Invalid } = enc;

// --- DER (X.690), as far as tokens and certificates need it

const [INTEGER, BITS, OCTETS, OID, UTC, TIME, SEQUENCE, SET] = [2, 3, 4, 6, 0x17, 0x18, 0x30, 0x31];
const [FIRST, SECOND, THIRD, FOURTH] = [0xa0, 0xa1, 0xa2, 0xa3];

class Element {
  constructor(tag, content, encoded) { Object.assign(this, { tag, content, encoded }); }
  items(tag = SEQUENCE) {
    const content = this.expect(tag), found = [];
    for (let at = 0; at < content.length; at += found.at(-1).encoded.length) found.push(elementAt(content, at));
    return found;
  }
  expect(tag) {
    need(this.tag === tag, `an element has tag ${this.tag} instead of ${tag}`);
    return this.content;
  }
  integer() {
    const [first, second] = this.expect(INTEGER);
    const padded = first === undefined || first & 0x80 || (this.content.length > 1 && first === 0 && !(second & 0x80));
    need(!padded, "an integer is negative or padded");
    return this.content.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  }
  oid() {
    const content = this.expect(OID), numbers = [];
    need(content.length > 0 && !(content.at(-1) & 0x80), "an object identifier is cut off");
    let value = 0n;
    for (const byte of content) {
      value = (value << 7n) | BigInt(byte & 0x7f);
      if (!(byte & 0x80)) { numbers.push(value); value = 0n; }
    }
    const first = numbers[0] / 40n > 2n ? 2n : numbers[0] / 40n;
    return [first, numbers[0] - 40n * first, ...numbers.slice(1)].join(".");
  }
  /** Milliseconds of a GeneralizedTime in UTC. */
  time() { return momentOf(new TextDecoder().decode(this.expect(TIME))); }
}
function elementAt(data, at) {
  need(at + 2 <= data.length && (data[at] & 0x1f) !== 0x1f, "an element is cut off, or has a tag of several bytes");
  let length = data[at + 1], begin = at + 2;
  if (length & 0x80) {
    const width = length & 0x7f;
    length = data.slice(begin, begin + width).reduce((sum, byte) => sum * 256 + byte, 0);
    begin += width;
    const short = width < 1 || width > 4 || length < 0x80 || Math.floor(length / 2 ** (8 * (width - 1))) === 0;
    need(!short, "a length is not in its shortest form");
  }
  need(begin + length <= data.length, "an element is longer than what holds it");
  return new Element(data[at], data.slice(begin, begin + length), data.slice(at, begin + length));
}
function read(data) {
  const element = elementAt(data, 0);
  need(element.encoded.length === data.length, "something stands behind the end");
  return element;
}
function momentOf(text) {
  const found = /^([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})(?:\.([0-9]{1,6}))?Z$/.exec(text);
  need(found !== null, "a time is malformed");
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map(Number);
  const at = new Date(0);
  at.setUTCFullYear(year, month - 1, day);
  at.setUTCHours(hour, minute, second);
  const said = at.getUTCFullYear() === year && at.getUTCMonth() === month - 1 && at.getUTCDate() === day;
  need(year > 0 && said && hour < 24 && minute < 60 && second < 60, "a time is malformed");
  return at.getTime() + Math.floor(Number(`0.${found[7] ?? 0}`) * 1000);
}

// --- certificates and signatures

const HASHES = { "2.16.840.1.101.3.4.2.1": "SHA-256", "2.16.840.1.101.3.4.2.2": "SHA-384", "2.16.840.1.101.3.4.2.3": "SHA-512" };
const SIGNATURES = {
  "1.2.840.113549.1.1.1": ["rsa", null],
  "1.2.840.113549.1.1.11": ["rsa", "SHA-256"],
  "1.2.840.113549.1.1.12": ["rsa", "SHA-384"],
  "1.2.840.113549.1.1.13": ["rsa", "SHA-512"],
  "1.2.840.113549.1.1.10": ["pss", null],
  "1.2.840.10045.4.3.2": ["ecdsa", "SHA-256"],
  "1.2.840.10045.4.3.3": ["ecdsa", "SHA-384"],
  "1.2.840.10045.4.3.4": ["ecdsa", "SHA-512"],
  "1.3.101.112": ["ed25519", null],
};
const CURVES = {
  "1.2.840.10045.3.1.7": ["P-256", 32], "1.3.132.0.34": ["P-384", 48], "1.3.132.0.35": ["P-521", 66],
};
const PSS_KEY = "1.2.840.113549.1.1.10";
const [RSA_KEY, EC_KEY, ED_KEY, MGF1] = ["1.2.840.113549.1.1.1", "1.2.840.10045.2.1", "1.3.101.112", "1.2.840.113549.1.1.8"];
const { subtle } = globalThis.crypto ?? {};
const digestOf = async (name, data) => new Uint8Array(await subtle.digest(name, data));
function hashNamed(algorithm) {
  const found = HASHES[algorithm.items()[0].oid()];
  need(found !== undefined, "the token uses a hash that is not known here");
  return found;
}
function pss(parameters) {
  const [[algorithm], [mask], [salt]] = [FIRST, SECOND, THIRD].map((tag, i) => parameters.items()[i]?.items(tag) ?? []);
  need(parameters.items().length === 3 && algorithm && mask && salt, "the signature leaves parameters to defaults");
  const [name, own] = mask.items(), hash = hashNamed(algorithm), length = salt.integer();
  need(name.oid() === MGF1 && hashNamed(own) === hash && length <= 64n, "the signature has parameters that are not known here");
  return [hash, Number(length)];
}
/** A key that its certificate names one for RSASSA-PSS, as WebCrypto reads RSA keys: with the name of RSA before it. */
function plainRsa(bits) {
  const wrapped = (content) => {
    const size = content.length, length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 255];
    return enc.join(Uint8Array.of(0x30, ...length), content);
  };
  return wrapped(enc.join(wrapped(Uint8Array.of(6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1, 5, 0)), bits.encoded));
}
/** Whether a key (SubjectPublicKeyInfo) signed a message; `fallback` is the hash where the algorithm says none. */
async function signed(spki, named, message, signature, fallback) {
  const [kind, own] = SIGNATURES[named[0].oid()] ?? [], [algorithm, bits] = spki.items(), [type, curve] = algorithm.items();
  const hash = own ?? fallback, key = type.oid();
  const encoded = key === PSS_KEY ? plainRsa(bits) : spki.encoded;
  const check = async (how, verify) => subtle.verify(verify, await subtle.importKey("spki", encoded, how, false, ["verify"]), signature, message);
  if (kind === "rsa" && key === RSA_KEY) {
    const how = { name: "RSASSA-PKCS1-v1_5", hash };
    return check(how, how);
  }
  if (kind === "pss" && (key === RSA_KEY || key === PSS_KEY)) {
    const [digest, saltLength] = pss(named[1]);
    // RFC 4055, 3.3: by the hash that the key names, with a salt that is no shorter.
    const [own, least] = key === PSS_KEY && curve !== undefined ? pss(curve) : [digest, saltLength];
    need(own === digest && saltLength >= least, "the authority's key is not one for such signatures");
    return check({ name: "RSA-PSS", hash: digest }, { name: "RSA-PSS", saltLength });
  }
  if (kind === "ecdsa" && key === EC_KEY) {
    const [namedCurve, width] = CURVES[curve.oid()] ?? [];
    need(namedCurve !== undefined, "a key is on a curve that is not known here");
    const raw = rawSignature(signature, width);
    const imported = await subtle.importKey("spki", spki.encoded, { name: "ECDSA", namedCurve }, false, ["verify"]);
    return raw !== null && subtle.verify({ name: "ECDSA", hash }, imported, raw, message);
  }
  if (kind === "ed25519" && key === ED_KEY) return ed25519(bits.expect(BITS).slice(1), message, signature);
  throw new Invalid("the authority has a key or a signature of a kind that is not known here");
}
function rawSignature(signature, width) {
  const parts = read(signature).items().map((one) => one.integer());
  if (parts.length !== 2 || parts.some((one) => one >= 1n << BigInt(8 * width))) return null;
  return enc.unhex(parts.map((one) => one.toString(16).padStart(2 * width, "0")).join(""));
}

const EXTENSIONS = { basic: "2.5.29.19", usage: "2.5.29.37" };
const STAMPING = "1.3.6.1.5.5.7.3.8";
function certificateOf(encoded) {
  const [body, algorithm, signature] = read(encoded).items(), parts = body.items();
  if (parts[0].tag === FIRST) parts.shift();
  const [, , issuer, validity, subject, spki, ...more] = parts, extensions = new Map();
  for (const part of more)
    if (part.tag === FOURTH)
      for (const one of part.items(FOURTH)[0].items()) {
        const fields = one.items(), critical = fields.length === 3 && fields[1].content[0] === 0xff;
        extensions.set(fields[0].oid(), { critical, value: read(fields.at(-1).expect(OCTETS)) });
      }
  const [from, to] = validity.items().map((one) =>
    one.tag === UTC
      ? momentOf((Number(new TextDecoder().decode(one.content.slice(0, 2))) < 50 ? "20" : "19") + new TextDecoder().decode(one.content))
      : one.time());
  const ca = extensions.get(EXTENSIONS.basic)?.value.items()[0];
  return {
    encoded, body: body.encoded, algorithm, from, to, subject: subject.encoded, issuer: issuer.encoded, spki,
    signature: signature.expect(BITS).slice(1), usage: extensions.get(EXTENSIONS.usage), ca: ca?.tag === 1 && ca.content[0] !== 0,
  };
}
/** The certificates in a text of PEM. */
export function certificatesIn(pem) {
  const blocks = [...pem.matchAll(/-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g)];
  need(blocks.length > 0, "the file of root certificates is malformed");
  return blocks.map(([, text]) => certificateOf(enc.b64(text.replaceAll(/\s/g, ""))));
}
async function issued(issuer, certificate) {
  if (!issuer.ca || !enc.same(issuer.subject, certificate.issuer)) return false;
  try {
    return await signed(issuer.spki, certificate.algorithm.items(), certificate.body, certificate.signature, null);
  } catch { return false; }
}
/** The pinned root to which a certificate leads; all on the way were valid then. */
async function trusted(signer, given, roots, at) {
  const { usage } = signer;
  need(usage !== undefined, "the certificate is not one for time stamps");
  const kinds = usage.value.items().map((one) => one.oid());
  need(usage.critical && kinds.length === 1 && kinds[0] === STAMPING, "the certificate is not one for time stamps only");
  let certificate = signer;
  for (let step = 0; step < 5; step++) {
    need(certificate.from <= at && at <= certificate.to, "a certificate was not valid at the time of the stamp");
    if (roots.some((one) => enc.same(one.encoded, certificate.encoded))) return enc.hex(certificate.subject);
    let issuer = null;
    for (const one of [...roots, ...given])
      if (issuer === null && !enc.same(one.encoded, certificate.encoded) && (await issued(one, certificate))) issuer = one;
    if (issuer === null) break;
    certificate = issuer;
  }
  throw new Invalid("no certificate that you pinned stands behind the authority");
}

// --- tokens

const [SIGNED_DATA, TST_INFO] = ["1.2.840.113549.1.7.2", "1.2.840.113549.1.9.16.1.4"];
const [CONTENT_TYPE, DIGEST] = ["1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"];
const [CERTIFICATE_V2, CERTIFICATE_V1] = ["1.2.840.113549.1.9.16.2.47", "1.2.840.113549.1.9.16.2.12"];

/** When (ms) an authority stamped these bytes, and the subject of the pinned root behind it. */
export async function stampOf(token, stamped, roots) {
  need(token.length <= 12000, "the token is too long");
  const [kind, wrapped, ...rest] = read(token).items();
  need(kind.oid() === SIGNED_DATA && rest.length === 0, "the token is no signed data");
  const [data, ...behind] = wrapped.items(FIRST), parts = data.items();
  const [type, content] = parts[2].items(), info = content.items(FIRST)[0].expect(OCTETS);
  need(behind.length === 0 && parts[2].items().length === 2 && type.oid() === TST_INFO, "the signed data are no time stamp");
  const [version, , imprint, , time] = read(info).items(), [algorithm, digest] = imprint.items();
  need(imprint.items().length === 2, "the imprint is malformed");
  const right = version.integer() === 1n && enc.same(digest.expect(OCTETS), await digestOf(hashNamed(algorithm), stamped));
  need(right, "the token stamps something else");
  const at = time.time();
  const given = parts.slice(3, -1).filter((one) => one.tag === FIRST).flatMap((one) => one.items(FIRST)).map((one) => certificateOf(one.encoded));
  const signers = parts.at(-1).items(SET);
  need(signers.length === 1, "the token has another number of signers than one");
  const signer = await signedBy(signers[0].items(), info, [...given, ...roots]);
  return { at, root: await trusted(signer, given, roots, at) };
}
async function signedBy([, , algorithm, attributes, named, signature], info, known) {
  const values = new Map();
  for (const attribute of attributes.items(FIRST)) {
    const [name, value, ...more] = attribute.items(), found = value.items(SET);
    need(more.length === 0 && found.length === 1, "a signed attribute is malformed");
    values.set(name.oid(), found[0]);
  }
  need(values.get(CONTENT_TYPE).oid() === TST_INFO, "the signature is over something else than a time stamp");
  const hash = hashNamed(algorithm);
  need(enc.same(values.get(DIGEST).expect(OCTETS), await digestOf(hash, info)), "the signature is over another time stamp");
  const message = enc.join(Uint8Array.of(SET), attributes.encoded.slice(1));
  for (const certificate of known)
    if (await isNamed(certificate, values)) {
      const holds = await signed(certificate.spki, named.items(), message, signature.expect(OCTETS), hash);
      need(holds, "the signature of the authority does not hold");
      return certificate;
    }
  throw new Invalid("the certificate of the authority is not in the token");
}
async function isNamed(certificate, values) {
  const newer = values.has(CERTIFICATE_V2), value = values.get(newer ? CERTIFICATE_V2 : CERTIFICATE_V1);
  need(value !== undefined, "the token does not say which certificate signed it");
  const named = value.items()[0].items()[0].items();
  let algorithm = newer ? "SHA-256" : "SHA-1";
  if (named[0].tag !== OCTETS) {
    need(named[0].tag !== OID && newer, "the token names its certificate in a way that is not known here");
    algorithm = hashNamed(named[0]);
  }
  return enc.same(await digestOf(algorithm, certificate.encoded), named.find((one) => one.tag === OCTETS).content);
}

// --- the file

/** Between which entries the period of a statement lies; `roots` are PEM, or null where the reader pins none. */
export async function bracketOf(file, roots, policy, state, { from, to }) {
  const outer = enc.members(enc.parseCanonical(file), ["digest", "stamps"]), inner = outer.stamps;
  need(enc.same(enc.b64url(outer.digest), await enc.sha256(enc.canonicalBytes(inner))), "the file of stamps is damaged");
  enc.members(inner, ["proof", "stamps", "v"], ["earlier"]);
  need(inner.v === 1, "this file of stamps is of another version");
  const proof = enc.hashes(inner.proof), pinned = roots === null ? [] : certificatesIn(roots);
  const shown = enc.list(inner.stamps).map(stampIn), earlier = enc.list(inner.earlier ?? []).map((one) => {
    enc.members(one, ["c", "k"]);
    return { note: enc.text(one.k), proof: enc.hashes(one.c) };
  });
  if (shown.length > 0) await log.inLog(shown, state, proof);
  const stamps = [], seen = [];
  if (pinned.length > 0) for (const one of shown) stamps.push(await readStamp(one, state, pinned));
  for (const one of earlier) {
    const before = await log.openCheckpoint(one.note, policy);
    await log.consistent(before, state, one.proof);
    const by = log.confirmedBy(before, policy);
    if (by !== null && from !== null && (by + 1) * 1000 <= from) seen.push(before.size);
  }
  const needed = Math.max(1, Math.min(2, pinned.length)), slack = 2000;
  const best = (counts, what, pick) => {
    const found = new Map();
    for (const one of stamps.filter(counts)) found.set(one.root, pick(found.get(one.root) ?? what(one), what(one)));
    return [...found.values()];
  };
  const before = best((one) => from !== null && one.at + slack <= from, (one) => one.size, Math.max).sort((a, b) => b - a);
  const after = best((one) => to !== null && one.at - slack >= to, (one) => one.i, Math.min).sort((a, b) => a - b);
  const lows = [...before.slice(needed - 1, needed), ...seen];
  return { low: lows.length > 0 ? Math.max(...lows) : null, high: after[needed - 1] ?? null, stamped: pinned.length > 0 };
}
function stampIn(value) {
  enc.members(value, ["b", "c", "e", "i", "r", "s"]);
  const opening = { b: value.b, s: enc.b64url(value.s), root: enc.b64url(value.r), proof: enc.hashes(value.c) };
  return { i: enc.count(value.i), e: log.entry(value.e), ...opening };
}
async function readStamp(one, state, roots) {
  const size = one.e.n, keeps = one.e.k === "tsa" && "c" in one.e && Number.isInteger(size) && size <= one.i;
  need(keeps, "an entry that keeps no stamp is shown as one that does");
  await log.opens(one.e.c, one.s, one.b);
  await log.consistent({ size, root: one.root }, state, one.proof);
  need(enc.isObject(one.b) && typeof one.b.token === "string", "an entry of a stamp has no token");
  const text = `${state.origin}\n${size}\n${btoa(String.fromCharCode(...one.root))}\n`;
  const { at, root } = await stampOf(enc.b64url(one.b.token), enc.utf8(text), roots);
  return { i: one.i, size, at, root };
}
/** What a bracket leaves open about an answer over `size` entries, which finds uses or not; all uses are `every`. */
export function doubtsOf({ low, high, stamped }, { from, to }, size, found, every) {
  const doubts = [];
  if (stamped && to !== null && (high === null || high >= size))
    doubts.push("no time stamps of enough authorities show that the period was over in what this answer covers");
  const unshown = every.filter(({ i, e }) => {
    const early = from !== null && e.t < from && (low === null || i >= low);
    return early || (stamped && to !== null && e.t >= to && (high === null || i <= high));
  });
  if (!found && unshown.length > 0)
    doubts.push(`${unshown.length} uses are outside of the period by the operator's clock alone`);
  return doubts;
}

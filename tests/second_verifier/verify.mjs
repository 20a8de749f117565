// A verifier of statements about accounts that follows FORMAT.md: no code of ours, no package, WebCrypto only.
// In: the bytes of a statement, the text of a trust policy, the reader's time in ms or null. Out: the verdict's word.
// Runs in node and in a browser; under node, `node verify.mjs` takes {"policy", "files": [base64..]} on its input.

const subtle = globalThis.crypto.subtle;
const MAX = Number.MAX_SAFE_INTEGER;
const ascii = (text) => new TextEncoder().encode(text);
const join = (...parts) => {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) { out.set(part, at); at += part.length; }
  return out;
};
const same = (a, b) => a.length === b.length && a.every((byte, i) => byte === b[i]);
const sha = async (name, data) => new Uint8Array(await subtle.digest(name, data));
const sha256 = (...parts) => sha("SHA-256", join(...parts));
const sha512 = (...parts) => sha("SHA-512", join(...parts));
class Invalid extends Error {}
class Undetermined extends Error {}
const need = (condition, why) => { if (!condition) throw new Invalid(why); };

// --- spelling

const latin = (bytes) => { let text = ""; for (const byte of bytes) text += String.fromCharCode(byte); return text; };
function b64(text) {
  let raw;
  try { raw = atob(text); } catch { throw new Invalid("base64"); }
  need(btoa(raw) === text, "base64 in another spelling");
  return Uint8Array.from(raw, (char) => char.charCodeAt(0));
}
function b64url(text) {
  need(typeof text === "string" && /^[A-Za-z0-9_-]*$/.test(text), "base64url");
  const standard = text.replaceAll("-", "+").replaceAll("_", "/");
  return b64(standard + "=".repeat((4 - (standard.length % 4)) % 4));
}
function canonical(value, depth = 0) {
  need(depth <= 12, "nested too deeply");
  if (Array.isArray(value)) return `[${value.map((one) => canonical(one, depth + 1)).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const names = Object.keys(value).sort();
    need(names.every((name) => /^[\x00-\x7f]*$/.test(name)), "a name is not ASCII");
    return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name], depth + 1)}`).join(",")}}`;
  }
  if (typeof value === "number") need(Number.isInteger(value) && Math.abs(value) <= MAX, "a number");
  return JSON.stringify(value);
}
function parseCanonical(bytes) {
  let text, value;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(text);
  } catch { throw new Invalid("no JSON"); }
  need(canonical(value) === text, "not in canonical form");
  return value;
}
function members(value, must, may = []) {
  need(value !== null && typeof value === "object" && !Array.isArray(value), "an object is missing");
  const names = Object.keys(value);
  need(must.every((name) => names.includes(name)), "a member is missing");
  need(names.every((name) => must.includes(name) || may.includes(name)), "a member too many");
  return value;
}
const count = (value) => { need(Number.isInteger(value) && value >= 0, "no count"); return value; };
const time = (value) => (value === null ? null : count(value));
const list = (value) => { need(Array.isArray(value), "no list"); return value; };

// --- entries

function entry(value) {
  members(value, ["k", "t", "v"], Object.keys(value ?? {}));
  const bytes = ascii(canonical(value));
  need(bytes.length <= 256 && value.v === 1 && typeof value.k === "string", "no entry");
  count(value.t);
  for (const [name, one] of Object.entries(value)) {
    need(/^[a-z][a-z0-9_]{0,15}$/.test(name), "no entry");
    need(typeof one === "string" ? /^[A-Za-z0-9._:/+-]{0,128}$/.test(one) : Number.isInteger(one) && one >= 0, "no entry");
  }
  if ("c" in value) need(b64url(value.c).length === 32, "no commitment");
  return { ...value, bytes };
}
const placed = (value) => { members(value, ["e", "i"]); return { i: count(value.i), e: entry(value.e) }; };
const leafHash = (bytes) => sha256(Uint8Array.of(0), bytes);
const nodeHash = (left, right) => sha256(Uint8Array.of(1), left, right);
const largest = (length) => { let power = 1; while (power * 2 < length) power *= 2; return power; };
async function treeRoot(leaves) {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return leaves[0];
  const split = largest(leaves.length);
  return nodeHash(await treeRoot(leaves.slice(0, split)), await treeRoot(leaves.slice(split)));
}
async function inLog(shown, size, proof, root) {
  const leaves = new Map();
  for (const one of shown) {
    need(!leaves.has(one.i) && one.i < size, "one place, two entries");
    leaves.set(one.i, await leafHash(one.e.bytes));
  }
  const wanted = [...leaves.keys()].sort((a, b) => a - b);
  let next = 0;
  const walk = async (begin, end) => {
    if (!wanted.some((index) => begin <= index && index < end)) {
      need(next < proof.length, "too few hashes");
      return proof[next++];
    }
    if (end - begin === 1) return leaves.get(begin);
    const split = begin + largest(end - begin);
    const left = await walk(begin, split);
    return nodeHash(left, await walk(split, end));
  };
  const found = await walk(0, size);
  need(next === proof.length && same(found, root), "not in the log");
}
async function opens(commitment, salt, body) {
  need(salt.length === 16 && commitment !== undefined, "no opening");
  need(same(await sha256(salt, ascii(canonical(body))), b64url(commitment)), "another body was committed to");
}

// --- signatures

async function keyOf(text, type) {
  const parts = text.split("+");
  need(parts.length >= 3, "no key");
  const packed = b64(parts.slice(2).join("+"));
  need(packed.length === 33 && packed[0] === type, "no key of this type");
  const id = (await sha256(ascii(parts[0] + "\n"), packed)).slice(0, 4);
  need(parts[1] === [...id].map((byte) => byte.toString(16).padStart(2, "0")).join(""), "the key's id");
  return { name: parts[0], id, public: packed.slice(1), type };
}
async function policyOf(text) {
  const policy = { logs: [], witnesses: new Map(), groups: new Map(), quorum: null };
  for (const line of text.split("\n")) {
    const [word, ...items] = line.split(/[ \t]+/).filter(Boolean);
    if (word === undefined || word.startsWith("#")) continue;
    if (word === "log") policy.logs.push(await keyOf(items[0], 1));
    else if (word === "witness") policy.witnesses.set(items[0], await keyOf(items[1], 4));
    else if (word === "group") {
      const all = items.slice(2);
      policy.groups.set(items[0], { need: { any: 1, all: all.length }[items[1]] ?? Number(items[1]), all });
    } else if (word === "quorum") policy.quorum = items[0];
    else throw new Undetermined("policy");
  }
  return policy;
}
function met(policy, names, quorum = policy.quorum) {
  if (quorum === "none") return true;
  if (policy.witnesses.has(quorum)) return names.has(quorum);
  const group = policy.groups.get(quorum);
  return group.all.filter((one) => met(policy, names, one)).length >= group.need;
}
async function signatureHolds(key, text, value) {
  let message = text, signature = value;
  if (key.type === 4) {
    if (value.length !== 72) return false;
    const seconds = new DataView(value.buffer, value.byteOffset).getBigUint64(0);
    if (seconds >= 1n << 63n) return false;
    message = join(ascii(`cosignature/v1\ntime ${seconds}\n`), text);
    signature = value.slice(8);
  }
  const imported = await subtle.importKey("raw", key.public, { name: "Ed25519" }, false, ["verify"]);
  return subtle.verify({ name: "Ed25519" }, imported, signature, message);
}
async function openCheckpoint(note, policy) {
  need(typeof note === "string", "no checkpoint");
  const at = note.lastIndexOf("\n\n");
  need(at >= 0 && note.endsWith("\n") && !/[\x00-\x09\x0b-\x1f]/.test(note), "no note");
  const text = note.slice(0, at + 1);
  const keys = [...policy.logs.map((key) => [null, key]), ...policy.witnesses];
  const signed = new Map();
  for (const line of note.slice(at + 2, -1).split("\n")) {
    const [dash, name, packed, ...rest] = line.split(" ");
    need(dash === "—" && name && packed !== undefined && rest.length === 0 && !name.includes("+"), "no signature");
    const value = b64(packed);
    need(value.length > 4, "no signature");
    for (const [witness, key] of keys) {
      if (key.name !== name || !same(key.id, value.slice(0, 4))) continue;
      need(!signed.has(key), "signed twice");
      need(await signatureHolds(key, ascii(text), value.slice(4)), "a signature does not hold");
      signed.set(key, { witness, value: value.slice(4) });
    }
  }
  const lines = text.split("\n");
  need(lines.length >= 4 && lines.slice(0, -1).every(Boolean), "no checkpoint");
  need(/^(0|[1-9][0-9]{0,15})$/.test(lines[1]), "the size");
  const root = b64(lines[2]);
  need(root.length === 32, "the root");
  need(policy.logs.some((key) => signed.has(key) && key.name === lines[0]), "not signed by the log");
  const times = new Map();
  for (const { witness, value } of signed.values())
    if (witness !== null) times.set(witness, Number(new DataView(value.buffer, value.byteOffset).getBigUint64(0)));
  let seen = null;
  if (policy.quorum !== "none")
    for (const at of [...times.values()].sort((a, b) => b - a)) {
      const then = new Set([...times].filter(([, when]) => when >= at).map(([name]) => name));
      if (seen === null && met(policy, then)) seen = at;
    }
  return { size: Number(lines[1]), root, seen, quorum: met(policy, new Set(times.keys())) };
}

// --- ECVRF-EDWARDS25519-SHA512-TAI (RFC 9381), curve of RFC 8032

const P = (1n << 255n) - 19n;
const ORDER = (1n << 252n) + 27742317777372353535851937790883648493n;
const mod = (value) => ((value % P) + P) % P;
function power(base, exponent) {
  let result = 1n;
  for (base = mod(base); exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * base) % P;
    base = (base * base) % P;
  }
  return result;
}
const inverse = (value) => power(value, P - 2n);
const D = mod(-121665n * inverse(121666n));
const ROOT = power(2n, (P - 1n) / 4n);
const ZERO = [0n, 1n, 1n, 0n];
const little = (bytes) => bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
function plus([x1, y1, z1, t1], [x2, y2, z2, t2]) {
  const a = mod((y1 - x1) * (y2 - x2)), b = mod((y1 + x1) * (y2 + x2));
  const c = mod(2n * t1 * t2 * D), d = mod(2n * z1 * z2);
  const e = b - a, f = d - c, g = d + c, h = b + a;
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
}
function times(scalar, point) {
  let result = ZERO;
  for (; scalar > 0n; scalar >>= 1n) {
    if (scalar & 1n) result = plus(result, point);
    point = plus(point, point);
  }
  return result;
}
const minus = ([x, y, z, t]) => [mod(-x), y, z, mod(-t)];
function encodePoint([x, y, z]) {
  const i = inverse(z), u = mod(x * i);
  let value = mod(y * i) | ((u & 1n) << 255n);
  return Uint8Array.from({ length: 32 }, () => { const byte = Number(value & 255n); value >>= 8n; return byte; });
}
function decodePoint(bytes) {
  const value = little(bytes), sign = value >> 255n, y = value & ((1n << 255n) - 1n);
  if (y >= P) return null;
  const xx = mod((y * y - 1n) * inverse(D * y * y + 1n));
  let x = power(xx, (P + 3n) / 8n);
  if (mod(x * x - xx) !== 0n) x = mod(x * ROOT);
  if (mod(x * x - xx) !== 0n || (x === 0n && sign)) return null;
  if ((x & 1n) !== sign) x = P - x;
  return [x, y, 1n, mod(x * y)];
}
const BASE = decodePoint(Uint8Array.from([0x58, ...Array(31).fill(0x66)]));
async function placeOf(key, name, proof) {
  need(key.length === 32 && proof.length === 80, "no VRF proof");
  const y = decodePoint(key), gamma = decodePoint(proof.slice(0, 32));
  need(y !== null && gamma !== null, "no curve point");
  need(!same(encodePoint(times(8n, y)), encodePoint(ZERO)), "a key of small order");
  const c = little(proof.slice(32, 48)), s = little(proof.slice(48));
  need(s < ORDER, "another encoding of the proof");
  let h = null;
  for (let counter = 0; h === null && counter < 256; counter++) {
    const digest = await sha512(Uint8Array.of(3, 1), key, ascii(name), Uint8Array.of(counter, 0));
    h = decodePoint(digest.slice(0, 32));
  }
  h = times(8n, h);
  const u = plus(times(s, BASE), minus(times(c, y))), v = plus(times(s, h), minus(times(c, gamma)));
  const points = [h, u, v].map(encodePoint);
  const digest = await sha512(Uint8Array.of(3, 2), key, points[0], proof.slice(0, 32), points[1], points[2], Uint8Array.of(0));
  need(little(digest.slice(0, 16)) === c, "the VRF proof does not hold");
  return (await sha512(Uint8Array.of(3, 3), encodePoint(times(8n, gamma)), Uint8Array.of(0))).slice(0, 32);
}

// --- the map

const eight = (value) => {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, value);
  return out;
};
const big = (bytes, at) => new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(at);
const sum = (value) => { need(value <= (1n << 53n) - 1n, "a sum is out of range"); return value; };
async function lookUp(head, place, path) {
  let leaf = null, at = 1;
  if (path[0] === 1) {
    at = 81;
    need(path.length >= at, "the path is short");
    leaf = { key: path.slice(1, 33), count: sum(big(path, 33)), units: sum(big(path, 41)), root: path.slice(49, 81) };
  } else need(path[0] === 0, "the path has no end");
  need((path.length - at) % 48 === 0 && path.length - at <= 256 * 48, "the length of the path");
  const siblings = [];
  for (; at < path.length; at += 48)
    siblings.push({ hash: path.slice(at, at + 32), count: sum(big(path, at + 32)), units: sum(big(path, at + 40)) });
  const bit = (key, depth) => (key[depth >> 3] >> (7 - (depth & 7))) & 1;
  let node = { hash: new Uint8Array(32), count: 0n, units: 0n };
  if (leaf !== null) {
    const hash = await sha256(Uint8Array.of(2), leaf.key, eight(leaf.count), eight(leaf.units), leaf.root);
    node = { hash, count: leaf.count, units: leaf.units };
    for (let depth = 0; depth < siblings.length; depth++)
      need(bit(leaf.key, depth) === bit(place, depth), "a leaf that is not on the way");
  }
  for (let depth = siblings.length - 1; depth >= 0; depth--) {
    const other = siblings[depth];
    if (same(other.hash, new Uint8Array(32))) need(other.count === 0n && other.units === 0n, "emptiness that counts");
    const [left, right] = bit(place, depth) ? [other, node] : [node, other];
    const sums = [left.count, left.units, right.count, right.units].map(eight);
    node = {
      hash: await sha256(Uint8Array.of(3), ...sums, left.hash, right.hash),
      count: sum(left.count + right.count),
      units: sum(left.units + right.units),
    };
  }
  need(same(node.hash, head.root) && node.count === BigInt(head.q) && node.units === BigInt(head.s), "another map");
  return leaf !== null && same(leaf.key, place) ? leaf : null;
}
function headOf(value) {
  need(value.k === "map" && typeof value.m === "string", "no head");
  for (const name of ["n", "q", "s"]) need(Number.isInteger(value[name]), "no head");
  const head = { ...value, root: b64url(value.r), key: b64url(value.y) };
  need(head.root.length === 32 && head.key.length === 32, "no head");
  return head;
}

// --- the statement

async function answer(bytes, policyText, nowMs) {
  const outer = members(parseCanonical(bytes), ["digest", "statement"]);
  need(same(b64url(outer.digest), await sha256(ascii(canonical(outer.statement)))), "damaged");
  const names = ["checkpoint", "head", "next", "path", "prices", "proof", "question", "uses", "v", "vrf"];
  const statement = members(outer.statement, names, ["clock", "destroyed"]);
  need(statement.v === 1, "another version");
  const question = members(statement.question, ["from", "identifier", "to"]);
  const [from, to] = [time(question.from), time(question.to)];
  need(typeof question.identifier === "string", "no identifier");
  need(statement.prices === null || (typeof statement.prices === "object" && !Array.isArray(statement.prices)), "prices");
  const uses = list(statement.uses).map((use) => {
    members(use, ["e", "i"], ["b", "s"]);
    need("b" in use === "s" in use, "half an opening");
    return { i: count(use.i), e: entry(use.e), b: use.b, s: "s" in use ? b64url(use.s) : null };
  });
  for (const name of ["clock", "destroyed"]) if (name in statement) need(list(statement[name]).length > 0, "empty");
  const clock = (statement.clock ?? []).map(placed);
  const gone = (statement.destroyed ?? []).map((one) => {
    members(one, ["b", "e", "h", "i", "s"]);
    return { i: count(one.i), e: entry(one.e), b: one.b, s: b64url(one.s), h: placed(one.h) };
  });
  const [first, next] = [placed(statement.head), statement.next === null ? null : placed(statement.next)];
  const packed = b64url(statement.proof);
  need(packed.length % 32 === 0, "the proof");
  const proof = Array.from({ length: packed.length / 32 }, (_, i) => packed.slice(32 * i, 32 * i + 32));
  const [path, vrf] = [b64url(statement.path), b64url(statement.vrf)];
  if (!/^acct:[0-9]{12}$/.test(question.identifier)) throw new Undetermined("identifier");

  const policy = await policyOf(policyText);
  const log = await openCheckpoint(statement.checkpoint, policy);
  const shown = [first, ...(next === null ? [] : [next]), ...uses, ...clock];
  const extra = new Map(gone.flatMap((one) => [[one.i, one], [one.h.i, one.h]]));
  for (const [index, one] of extra)
    if (!shown.some((other) => other.i === index && same(other.e.bytes, one.e.bytes))) shown.push(one);
  await inLog(shown, log.size, proof, log.root);

  const head = headOf(first.e);
  need(head.m === "account", "another map");
  const outside = next ?? first;
  need(outside.i === head.n && head.n <= first.i, "a gap after what the head covers");
  const covered = outside.e.t;
  need(covered <= 253402300799999, "a time after the year 9999");
  const place = await placeOf(head.key, question.identifier, vrf);
  const value = await lookUp(head, place, path);
  if (value === null) need(uses.length === 0, "uses at an empty place");
  else {
    need(uses.every((use, i) => i === 0 || uses[i - 1].i < use.i), "out of order");
    need(uses.length === 0 || uses.at(-1).i < head.n, "not covered");
    const leaves = [];
    for (const use of uses) leaves.push(await leafHash(join(eight(BigInt(use.i)), await leafHash(use.e.bytes))));
    need(BigInt(uses.length) === value.count && same(await treeRoot(leaves), value.root), "not all uses");
    need(uses.every((use) => use.e.k === "use" && Number.isInteger(use.e.u)), "no use");
    need(uses.reduce((sum, use) => sum + BigInt(use.e.u), 0n) === value.units, "the units");
  }
  const account = question.identifier.slice(5);
  const inside = uses.filter((use) => (from === null || from <= use.e.t) && (to === null || use.e.t < to));
  for (const use of inside)
    if (use.s !== null) {
      await opens(use.e.c, use.s, use.b);
      need(use.b !== null && typeof use.b === "object" && use.b.acct === account, "somebody else's use");
    }

  need(clock.length === (Number.isInteger(head.i) ? head.i : 0), "the clock entries");
  const stretches = clock.map((one, i) => {
    need((i === 0 || clock[i - 1].i < one.i) && one.i < head.n, "the clock entries");
    need(one.e.k === "inc" && String(one.e.x).startsWith("clock"), "no clock entry");
    const reach = Number.isInteger(one.e.n) ? one.e.n : one.e.t;
    return [one.e.t - reach, one.e.t + reach];
  });
  const destroyed = new Set();
  for (const one of gone) {
    const counted = headOf(one.h.e);
    need(one.e.k === "del" && one.e.m === one.h.i && counted.m === "account" && one.h.i < one.i, "no destruction");
    await opens(one.e.c, one.s, one.b);
    need(one.b.acct === account && list(one.b.entries).length === one.e.n, "no destruction of these");
    for (const index of one.b.entries) if (index < counted.n) destroyed.add(index);
  }

  const holds = (t, some) => some.some(([begin, end]) => begin <= t && t <= end);
  const meeting = stretches.filter(([begin, end]) => (from === null || from <= end) && (to === null || begin < to));
  const stuck = stretches.filter(([begin, end]) => begin <= covered && covered <= end).map(([begin]) => begin);
  const doubt =
    !log.quorum ||
    (from !== null && to !== null && from >= to) ||
    (from ?? 0) > covered ||
    (to ?? 0) > covered ||
    (log.seen !== null && (to ?? 0) >= (log.seen + 1) * 1000) ||
    (stuck.length > 0 && (to === null || to > Math.min(...stuck))) ||
    (stuck.length === 0 && log.seen !== null && covered - 60000 > (log.seen + 1) * 1000) ||
    (stuck.length === 0 && nowMs !== null && covered - 60000 > nowMs) ||
    ((from !== null || to !== null) &&
      inside.every((use) => holds(use.e.t, stretches)) &&
      uses.some((use) => holds(use.e.t, meeting))) ||
    inside.some((use) => use.s === null && !destroyed.has(use.i));
  if (doubt) return "UNDETERMINED";
  return inside.length > 0 ? "PRESENT" : "ABSENT";
}

export async function verify(bytes, policyText, nowMs = null) {
  try {
    return await answer(bytes, policyText, nowMs);
  } catch (error) {
    if (error instanceof Undetermined) return "UNDETERMINED";
    if (error instanceof Invalid || error instanceof DOMException || error instanceof TypeError) return "INVALID";
    throw error;
  }
}

if (globalThis.process?.argv?.[1]?.endsWith("verify.mjs")) {
  const parts = [];
  for await (const part of process.stdin) parts.push(part);
  const { policy, files } = JSON.parse(join(...parts).reduce((text, byte) => text + String.fromCharCode(byte), ""));
  const words = [];
  for (const file of files) words.push(await verify(b64(file), policy));
  console.log(JSON.stringify(words));
}

// The log: entries, the tree over them (RFC 6962), signed notes, trust policies (C2SP tlog-policy).
// In: values of a file and the text of a policy. Out: entries that were shown to be in a signed log, and who confirmed it.

import { ed25519 } from "./curve.mjs";
import * as enc from "./encoding.mjs";
const { need, Undetermined } = enc;

// --- entries

const digest = (value) => typeof value === "string" && /^[A-Za-z0-9_-]{43}$/.test(value) && enc.b64url(value).length === 32;
const signature = (value) => typeof value === "string" && /^[A-Za-z0-9_-]{86}$/.test(value) && enc.b64url(value).length === 64;
const number = (value) => Number.isInteger(value);
const index = (value) => Number.isInteger(value) && value < 1e12;
const token = (value) => typeof value === "string" && value.length > 0 && value.length <= 40;
const decision = (value) => value === "allow" || value === "deny";
const currency = (value) => typeof value === "string" && /^[A-Z]{3}$/.test(value);
/** FORMAT.md, the table of kinds: members that each must and may have. */
const KINDS = {
  boot: [{ r: digest }, { d: digest, g: digest, m: digest }],
  auth: [{ d: decision }, { s: digest }],
  use: [{ a: number }, {}],
  void: [{ a: number }, {}],
  acc: [{}, { n: number, s: digest, x: token }],
  org: [{}, { e: digest, n: number }],
  pol: [{ p: digest }, { b: number, h: digest, q: number, x: token }],
  list: [{ l: digest }, { n: number, x: token }],
  scr: [{ l: digest }, { n: number }],
  rev: [{}, { n: number }],
  era: [{ n: number }, { o: digest, w: digest }],
  ret: [{ n: number }, { o: digest, w: digest }],
  del: [{ m: number, n: number }, { x: token }],
  bil: [{ r: digest, s: number, y: currency }, { n: number, o: number, x: token }],
  map: [{ m: token, n: number, r: digest }, { b: index, i: number, q: number, s: number, y: digest }],
  vrf: [{ a: index, b: index, e: digest, y: digest }, { q: number }],
  tsa: [{ n: number }, { x: token }],
  rec: [{}, { n: number, s: number, x: token }],
  inc: [{}, { n: number, q: number, x: token }],
  emg: [{}, { n: number, x: token }],
  key: [{ o: digest, s: signature, y: digest }, {}],
  adm: [{}, {}],
};

/** An entry of the log: its members, and `bytes`, which are the leaf. */
export function entry(value) {
  enc.members(value, ["k", "t", "v"], Object.keys(value ?? {}));
  const bytes = enc.canonicalBytes(value);
  need(value.v === 1 && typeof value.k === "string", "the envelope lacks version, kind or time");
  need(bytes.length - String(enc.count(value.t)).length + 16 <= 256, "the envelope is too long");
  for (const [name, one] of Object.entries(value)) {
    need(/^[a-z][a-z0-9_]{0,15}$/.test(name), "an entry cannot have such a member");
    const good = typeof one === "string" ? /^[A-Za-z0-9._:/+-]{0,128}$/.test(one) : Number.isInteger(one) && one >= 0;
    need(good, "a member of an entry is neither a token nor an integer in range");
  }
  if ("c" in value) need(digest(value.c), "the commitment is not a digest");
  if ("u" in value) need(number(value.u), "units are a number");
  if (Object.hasOwn(KINDS, value.k)) {
    const [must, may] = KINDS[value.k];
    need(("u" in value) === (value.k === "use"), "units where there are none");
    for (const name of Object.keys(must)) need(name in value, `a '${value.k}' entry needs '${name}'`);
    for (const [name, fits] of Object.entries({ ...must, ...may }))
      if (name in value) need(fits(value[name]), `'${name}' of a '${value.k}' entry has a wrong value`);
  }
  return { ...value, bytes };
}
/** An entry and its index. */
export const placed = (value) => { enc.members(value, ["e", "i"]); return { i: enc.count(value.i), e: entry(value.e) }; };
/** An entry's index, and what opens a commitment of it. */
export function opened(value) {
  enc.members(value, ["b", "i", "s"]);
  need(enc.isObject(value.b), "a body is no object");
  return { i: enc.count(value.i), b: value.b, s: enc.b64url(value.s) };
}
export async function opens(commitment, salt, body, length = 16) {
  need(salt.length === length && typeof commitment === "string", "the body is not the one that was committed");
  const found = await enc.sha256(salt, enc.canonicalBytes(body));
  need(enc.same(found, enc.b64url(commitment)), "the body is not the one that was committed");
}

// --- the tree

export const leafHash = (bytes) => enc.sha256(Uint8Array.of(0), bytes);
export const nodeHash = (left, right) => enc.sha256(Uint8Array.of(1), left, right);
const largest = (length) => { let power = 1; while (power * 2 < length) power *= 2; return power; };
export async function treeRoot(leaves) {
  if (leaves.length === 0) return enc.sha256();
  if (leaves.length === 1) return leaves[0];
  const split = largest(leaves.length);
  return nodeHash(await treeRoot(leaves.slice(0, split)), await treeRoot(leaves.slice(split)));
}
/** Each entry shown stands at its index in the log that was signed. */
export async function inLog(shown, log, proof) {
  const leaves = new Map();
  for (const one of shown) {
    need(!leaves.has(one.i), "two entries claim one place in the log");
    need(one.i < log.size, "an entry cannot stand in a log of this size");
    leaves.set(one.i, await leafHash(one.e.bytes));
  }
  const wanted = [...leaves.keys()].sort((a, b) => a - b);
  need(wanted.length > 0, "no entry is shown");
  let next = 0;
  const walk = async (begin, end, first, last) => {
    if (first === last) {
      need(next < proof.length, "the proof has too few hashes");
      return proof[next++];
    }
    if (end - begin === 1) return leaves.get(begin);
    const split = begin + largest(end - begin);
    let middle = first;
    while (middle < last && wanted[middle] < split) middle++;
    const left = await walk(begin, split, first, middle);
    return nodeHash(left, await walk(split, end, middle, last));
  };
  const found = await walk(0, log.size, 0, wanted.length);
  need(next === proof.length, "the proof has too many hashes");
  need(enc.same(found, log.root), "the entries shown are not in the log that was signed");
}

/** The tree of `before` (size, root) is a prefix of that of `state` (RFC 9162, 2.1.4.2). */
export async function consistent(before, state, proof) {
  const why = "what is shown is no earlier state of this log";
  need(before.size <= state.size && before.root.length === 32, why);
  if (before.size === 0 || before.size === state.size) {
    const other = before.size === 0 ? await treeRoot([]) : state.root;
    return need(proof.length === 0 && enc.same(before.root, other), why);
  }
  const path = [...proof], power = (value) => (value & (value - 1n)) === 0n;
  if (power(BigInt(before.size))) path.unshift(before.root);
  need(path.length > 0, why);
  let fn = BigInt(before.size) - 1n, sn = BigInt(state.size) - 1n;
  for (; fn & 1n; fn >>= 1n) sn >>= 1n;
  let [old, now] = [path[0], path[0]];
  for (const hash of path.slice(1)) {
    need(sn > 0n, why);
    if (fn & 1n || fn === sn) {
      [old, now] = [await nodeHash(hash, old), await nodeHash(hash, now)];
      for (; !(fn & 1n) && fn > 0n; fn >>= 1n) sn >>= 1n;
    } else now = await nodeHash(now, hash);
    fn >>= 1n;
    sn >>= 1n;
  }
  return need(sn === 0n && enc.same(old, before.root) && enc.same(now, state.root), why);
}

// --- whom the reader trusts

async function keyOf(text, type) {
  const parts = text.split("+");
  const packed = enc.b64(parts.slice(2).join("+"));
  const id = (await enc.sha256(enc.utf8(parts[0] + "\n"), packed)).slice(0, 4);
  need(parts.length >= 3 && packed.length === 33 && packed[0] === type, "no key of this type");
  need(parts[1] === enc.hex(id), "the key's id does not fit");
  return { name: parts[0], id, public: packed.slice(1), type };
}
async function readPolicy(policyText) {
  const policy = { logs: [], witnesses: new Map(), groups: new Map(), quorum: null, vrfKeys: [] };
  const known = (name) => policy.witnesses.has(name) || policy.groups.has(name);
  for (const line of policyText.split("\n")) {
    const [word, ...items] = line.split(/[ \t]+/).filter(Boolean);
    if (word === "#vrf") {
      const key = enc.b64(items[0] ?? "");
      const since = items[1] ?? "0";
      need(items.length <= 2 && key.length === 32 && /^[0-9]{1,15}$/.test(since), "the line #vrf holds no key");
      policy.vrfKeys.push({ key, since: Number(since) });
    }
    if (word === undefined || word.startsWith("#")) continue;
    if (word === "log") policy.logs.push(await keyOf(items[0], 1));
    else if (word === "witness") policy.witnesses.set(items[0], await keyOf(items[1], 4));
    else if (word === "group") {
      const all = items.slice(2), enough = { any: 1, all: all.length }[items[1]] ?? Number(items[1]);
      need(all.every(known) && new Set(all).size === all.length && enough >= 1 && enough <= all.length, "a group");
      policy.groups.set(items[0], { need: enough, all });
    } else if (word === "quorum" && (items[0] === "none" || known(items[0]))) policy.quorum = items[0];
    else need(false, `not understood: ${enc.clean(word)}`);
  }
  need(policy.quorum !== null, "there is no quorum line");
  return policy;
}
/** The trust policy; one that cannot protect its reader is refused. */
export async function policyOf(policyText) {
  let policy;
  try { policy = await readPolicy(policyText); } catch (error) {
    if (error instanceof enc.Invalid || error instanceof TypeError)
      throw new Undetermined(`your trust policy cannot be used: ${error.message}`);
    throw error;
  }
  for (const [name, key] of policy.witnesses)
    if (policy.logs.some((log) => enc.same(log.public, key.public)))
      throw new Undetermined(`your trust policy cannot be used: witness ${name} has the key of the log itself`);
  const group = policy.groups.get(policy.quorum);
  if (group && 2 * group.need <= group.all.length)
    throw new Undetermined("your trust policy cannot be used: the quorum is no majority of the witnesses");
  return policy;
}
function met(policy, names, quorum = policy.quorum) {
  if (quorum === "none") return true;
  if (policy.witnesses.has(quorum)) return names.has(quorum);
  const group = policy.groups.get(quorum);
  return group.all.filter((one) => met(policy, names, one)).length >= group.need;
}
async function signatureHolds(key, message, value) {
  if (key.type !== 4) return ed25519(key.public, message, value);
  if (value.length !== 72 || enc.big(value) >= 1n << 63n) return false;
  const line = enc.utf8(`cosignature/v1\ntime ${enc.big(value)}\n`);
  return ed25519(key.public, enc.join(line, message), value.slice(8));
}

/** The log's signed state: origin, size, root, who confirmed it when (s), `seen` (s or null), whether a quorum did. */
export async function openCheckpoint(note, policy) {
  need(typeof note === "string", "there is no checkpoint");
  const at = note.lastIndexOf("\n\n");
  need(at >= 0 && note.endsWith("\n") && !/[\x00-\x09\x0b-\x1f]/.test(note), "the checkpoint is no signed note");
  const body = note.slice(0, at + 1);
  const keys = [...policy.logs.map((key) => [null, key]), ...policy.witnesses];
  const signed = new Map();
  for (const line of note.slice(at + 2, -1).split("\n")) {
    const [dash, name, packed, ...rest] = line.split(" ");
    need(dash === "—" && name && packed !== undefined && rest.length === 0 && !name.includes("+"), "no signature");
    const value = enc.b64(packed);
    need(value.length > 4, "a signature is too short");
    for (const [witness, key] of keys) {
      if (key.name !== name || !enc.same(key.id, value.slice(0, 4))) continue;
      need(!signed.has(key), `${enc.clean(name)} signed twice`);
      const holds = await signatureHolds(key, enc.utf8(body), value.slice(4));
      need(holds, `the signature of ${enc.clean(name)} does not hold`);
      signed.set(key, { witness, value: value.slice(4) });
    }
  }
  const lines = body.split("\n");
  need(lines.length >= 4 && lines.slice(0, -1).every(Boolean), "a checkpoint has at least three lines, none empty");
  need(/^(0|[1-9][0-9]{0,15})$/.test(lines[1]), "the size of the checkpoint is not a number in range");
  const root = enc.b64(lines[2]);
  need(root.length === 32, "the root of the checkpoint is not 32 bytes");
  const byLog = policy.logs.some((key) => signed.has(key) && key.name === lines[0]);
  need(byLog, "the checkpoint is not signed by the log that the trust policy names");
  const times = new Map();
  for (const { witness, value } of signed.values()) if (witness !== null) times.set(witness, Number(enc.big(value)));
  const state = { origin: lines[0], size: Number(lines[1]), root, times, quorumMet: met(policy, new Set(times.keys())) };
  return { ...state, seen: seenAt(policy, times), asksWitnesses: policy.quorum !== "none" };
}
function seenAt(policy, times) {
  if (policy.quorum === "none") return null;
  for (const at of [...times.values()].sort((a, b) => b - a)) {
    const then = new Set([...times].filter(([, when]) => when >= at).map(([name]) => name));
    if (met(policy, then)) return at;
  }
  return null;
}
/** By when (s) a quorum had confirmed a state; null when none had. */
export function confirmedBy(state, policy) {
  if (policy.quorum === "none") return null;
  for (const at of [...state.times.values()].sort((a, b) => a - b))
    if (met(policy, new Set([...state.times].filter(([, when]) => when <= at).map(([name]) => name)))) return at;
  return null;
}
/** What the reasons of every good answer say about the log. */
export const standing = (log) => [
  `the log '${enc.clean(log.origin)}' signed a state with ${log.size} entries, fingerprint ${enc.hex(log.root)}`,
  ...[...log.times].sort().map(([name, at]) =>
    `witness ${enc.clean(name)} confirmed on ${enc.moment(at * 1000)} that it continues what it saw before`),
  ...(log.asksWitnesses ? [] : ["your trust policy asks for no witnesses, so log and dates are the operator's word alone"]),
];

// What must hold over all public entries of a log, and that each head of the account map continues the one before.
// In: entries in order, the signed state, a file of proofs. Out: PRESENT or INVALID.

import * as enc from "./encoding.mjs";
import * as log from "./log.mjs";
import { bit, EMPTY, headOf, inner, leafNode, sameNode, treeOf, valueOf } from "./place.mjs";
const { need } = enc;

const COUNTED = { use: "account", org: "party" };
const NOTHING = { hash: EMPTY, count: 0n, units: 0n };

/** Takes in entry after entry, and refuses the first that breaks a rule of the log. */
class PublicLog {
  t = 0;
  open = new Set();
  sums = { account: [0n, 0n], party: [0n, 0n] };
  ahead = { account: [], party: [] };
  clock = [];
  heads = new Map();
  changed = null;

  take(e, index) {
    need(e.t >= this.t, `entry ${index} is dated before the one in front of it`);
    this.t = e.t;
    if ((e.k === "use" || e.k === "void") && Number.isInteger(e.a))
      need(this.open.delete(e.a), `entry ${index} settles entry ${e.a}, which is no open permission`);
    if (e.k === "auth" && e.d === "allow") this.open.add(index);
    if (e.k in COUNTED) this.ahead[COUNTED[e.k]].push([index, BigInt(e.k === "use" ? 1 : (e.n ?? 0)), BigInt(e.u ?? 0)]);
    else if (e.k === "map") this.takeHead(headOf(e, index), index);
    else if (e.k === "vrf") this.takeChange(e, index);
    else if (e.k === "inc" && typeof e.x === "string" && e.x.startsWith("clock")) this.clock.push(index);
  }
  takeChange(e, index) {
    const named = ["account", "party"].every((name) => this.heads.get(name)?.at === { account: e.a, party: e.b }[name]);
    need(named, `entry ${index} changes the VRF key without naming the last heads under the old one`);
    this.changed = { at: index, key: enc.b64url(e.y) };
  }
  takeHead(head, index) {
    const last = this.heads.get(head.name), at = this.changed?.at ?? null;
    const keys = [...this.heads.values()].filter((one) => one.changed === at).map((one) => one.key);
    if (this.changed !== null) keys.push(this.changed.key);
    const same = head.changed === at && keys.every((key) => enc.same(key, head.key));
    need(same, `head ${index} was made under another VRF key than those before`);
    const counted = Object.values(COUNTED).includes(head.name);
    if (last !== undefined && last.changed !== at && counted)
      need(head.size === last.size, `head ${index} is the first under a new VRF key, and covers something else`);
    need(head.size <= index && head.size >= (last?.size ?? 0), `head ${index} covers less than the one before, or what comes later`);
    this.heads.set(head.name, { ...head, at: index });
    if (!counted) return;
    const sums = this.sums[head.name], rest = this.ahead[head.name];
    while (rest.length > 0 && rest[0][0] < head.size) {
      const [, count, units] = rest.shift();
      sums[0] += count;
      sums[1] += units;
    }
    const right = sums[0] === BigInt(head.count) && sums[1] === BigInt(head.units);
    need(right, `the log holds other sums than head ${index} says: usage was left out or invented`);
    if (head.name === "account")
      need(head.clock === this.clock.filter((one) => one < head.size).length, `head ${index} counts other entries on a wrong clock`);
  }
}

/** Every entry (bytes) of the signed log, checked by its rules; gives each with its index and leaf hash. */
export async function* readLog(entries, state) {
  const rules = new PublicLog(), edge = new Edge();
  for (const [index, bytes] of entries.entries()) {
    need(bytes.length <= 256, "the envelope is too long");
    const e = log.entry(enc.parseCanonical(bytes)), leaf = await log.leafHash(bytes);
    await edge.add(leaf);
    rules.take(e, index);
    yield { e, i: index, leaf };
  }
  const signed = entries.length === state.size && enc.same(await edge.root(), state.root);
  need(signed, "the public entries at hand are not those of the log that was signed");
}

/** The edge of a list that grows (RFC 6962): hashes of its perfect subtrees, by level. */
class Edge {
  constructor(count = 0n, nodes = []) { this.count = count; this.nodes = [...nodes]; }
  async add(leaf) {
    let level = 0, carry = leaf;
    for (; this.nodes[level] != null; level++) {
      carry = await log.nodeHash(this.nodes[level], carry);
      this.nodes[level] = null;
    }
    this.nodes[level] = carry;
    this.count += 1n;
  }
  async root() {
    let found = null;
    for (const node of this.nodes) if (node != null) found = found === null ? node : await log.nodeHash(node, found);
    return found ?? enc.sha256();
  }
}

/** Where things stand in the bytes of a proof. */
class Reader {
  constructor(bytes) { this.bytes = bytes; this.at = 0; }
  take(length) {
    need(this.at + length <= this.bytes.length, "the proof is cut off");
    return this.bytes.slice(this.at, (this.at += length));
  }
  number(length) { return this.take(length).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n); }
  get left() { return this.bytes.length - this.at; }
}
const ones = (count) => { let found = 0; for (; count > 0n; count >>= 1n) found += Number(count & 1n); return found; };

function parseGrowth(bytes) {
  const reader = new Reader(bytes), places = [], siblings = [];
  for (let left = reader.number(4); left > 0n; left--) {
    const place = reader.take(32), units = reader.number(8), count = reader.number(8);
    const depth = Number(reader.number(2)), added = Number(reader.number(4));
    const hashes = Array.from({ length: ones(count) }, () => reader.take(32)), nodes = [];
    for (let rest = count, level = 0; rest > 0n; rest >>= 1n, level++) nodes[level] = rest & 1n ? hashes.pop() : null;
    need(added * 8 <= reader.left, "the proof is cut off");
    const indexes = Array.from({ length: added }, () => Number(reader.number(8)));
    places.push({ place, units, count, nodes, depth, added: indexes });
  }
  need(reader.left % 48 === 0, "the proof of growth has an impossible length");
  while (reader.left > 0) siblings.push({ hash: reader.take(32), count: reader.number(8), units: reader.number(8) });
  return { places, siblings };
}

/** `next` is `last` with exactly `uses` (a map from index to leaf and units) credited. */
async function checkGrowth(last, next, { places, siblings }, uses) {
  const keys = places.map((one) => enc.hex(one.place)), added = places.flatMap((one) => one.added);
  need(keys.every((key, i) => i === 0 || keys[i - 1] < key), "the places of the proof are out of order");
  const once = new Set(added).size === added.length && added.length === uses.size && added.every((index) => uses.has(index));
  need(once, "the uses between the two heads are not each credited to one place");
  const rest = [...siblings];
  const walk = async (some, depth) => {
    if (some.length === 0) return unchanged(rest.shift());
    if (some.length === 1 && some[0].depth === depth) return grown(some[0], uses);
    need(depth < 256, "the proof of growth goes deeper than the map");
    const split = some.filter((one) => !bit(one.place, depth)).length;
    const left = await walk(some.slice(0, split), depth + 1), right = await walk(some.slice(split), depth + 1);
    return [await joined(left[0], right[0]), await joined(left[1], right[1])];
  };
  const [before, after] = await walk(places, 0);
  need(rest.length === 0, "the proof of growth has more subtrees than it needs");
  need(sameNode(before.node, last ?? NOTHING), "the proof of growth does not begin at the head before");
  need(sameNode(after.node, next), "the proof of growth does not lead to this head");
}
function unchanged(node) {
  need(node !== undefined, "the proof of growth has too few subtrees");
  const empty = enc.same(node.hash, EMPTY);
  need(!empty || (node.count === 0n && node.units === 0n), "an empty part of the map claims to hold something");
  const part = { node, keys: empty ? 0 : 2 };
  return [part, part];
}
async function grown(one, uses) {
  need(one.added.every((index, i) => i === 0 || one.added[i - 1] < index), "the uses of a place are out of order");
  const list = new Edge(one.count, one.nodes);
  let before = { node: NOTHING, keys: 0 }, units = one.units;
  if (one.count > 0n) before = { node: await leafNode(one.place, { ...one, root: await list.root() }), keys: 1 };
  else need(one.units === 0n && one.added.length > 0, "a place without uses is shown");
  for (const index of one.added) {
    await list.add(await log.leafHash(enc.join(enc.eight(index), uses.get(index).leaf)));
    units += uses.get(index).units;
  }
  return [before, { node: await leafNode(one.place, { count: list.count, units, root: await list.root() }), keys: 1 }];
}
async function joined(left, right) {
  const keys = left.keys + right.keys;
  if (keys === 0) return left;
  if (keys === 1) return left.keys ? left : right;
  return { node: await inner(left.node, right.node), keys: 2 };
}

/** The first head under a new VRF key has every list of uses of the one before, and nothing else. */
async function checkMoved(last, next, bytes) {
  need(bytes.length % 112 === 0, "the proof of a change of key has an impossible length");
  const reader = new Reader(bytes), rows = [];
  while (reader.left > 0) rows.push({ was: reader.take(32), here: reader.take(32), ...valueOf(reader.take(48)) });
  need(rows.every((row, i) => i === 0 || enc.hex(rows[i - 1].was) < enc.hex(row.was)), "the places are out of order");
  const old = await treeOf(rows.map((row) => ({ ...row, key: row.was })));
  need(last.size === next.size && sameNode(old, last), "the change of key does not begin at the head before");
  const moved = await treeOf(rows.map((row) => ({ ...row, key: row.here })));
  need(sameNode(moved, next), "the change of key does not lead to this head");
}

/** The verdict on a file of growth (text), beside the public files of a log: its checkpoint, and its entries in order. */
export async function growthVerdict(file, policy, checkpoint, entries) {
  const state = await log.openCheckpoint(checkpoint, policy), lines = file.split("\n");
  if (lines.at(-1) === "") lines.pop();
  const waiting = new Map();
  let last = null, heads = 0, uses = 0;
  for await (const { e, i, leaf } of readLog(entries, state)) {
    if (e.k === "use") waiting.set(i, { leaf, units: BigInt(e.u) });
    if (e.k !== "map" || e.m !== "account") continue;
    const head = headOf(e, i, policy), line = lines[heads++];
    need(line !== undefined, `the file has no proof of head ${i}`);
    const value = enc.members(enc.parseCanonical(line), ["head", "proof"]), proof = enc.b64url(value.proof);
    need(enc.count(value.head) === i, `the file has another proof where that of head ${i} belongs`);
    const covered = new Map([...waiting].filter(([index]) => index < head.size));
    for (const index of covered.keys()) waiting.delete(index);
    if (last !== null && last.changed !== head.changed) await checkMoved(last, head, proof);
    else {
      need(last === null || enc.same(last.key, head.key), "the two heads were made under different VRF keys");
      await checkGrowth(last, head, parseGrowth(proof), covered);
    }
    last = head;
    uses += covered.size;
  }
  need(lines.length === heads, "the file has proofs of more heads than the log");
  return { verdict: "PRESENT", reasons: [`${heads} heads of the account map, each continues the one before: ${uses} uses`] };
}

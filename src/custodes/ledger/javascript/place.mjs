// Where a name stands in a map (ECVRF-EDWARDS25519-SHA512-TAI, RFC 9381), and what stands there (sum-prefix tree).
// In: keys, proofs and paths of a file. Out: the value under a name, or null where there is none.

import { BASE, decodePoint, encodePoint, little, minus, ORDER, plus, times, ZERO } from "./curve.mjs";
import * as enc from "./encoding.mjs";
const { need } = enc;

/** The 32 bytes at which `name` (bytes) stands in a map with this VRF key, by a proof of 80 bytes. */
export async function placeOf(key, name, proof) {
  need(key.length === 32 && proof.length === 80, "a VRF proof has 80 bytes and its key 32");
  const y = decodePoint(key), gamma = decodePoint(proof.slice(0, 32));
  need(y !== null && gamma !== null, "the VRF key or proof is no curve point");
  need(!enc.same(encodePoint(times(8n, y)), encodePoint(ZERO)), "the VRF key has small order");
  const c = little(proof.slice(32, 48)), s = little(proof.slice(48));
  need(s < ORDER, "the VRF proof is not in canonical form");
  let h = null;
  for (let counter = 0; h === null && counter < 256; counter++) {
    const digest = await enc.sha512(Uint8Array.of(3, 1), key, name, Uint8Array.of(counter, 0));
    h = decodePoint(digest.slice(0, 32));
  }
  h = times(8n, h);
  const u = plus(times(s, BASE), minus(times(c, y))), v = plus(times(s, h), minus(times(c, gamma)));
  const points = [h, u, v].map(encodePoint);
  const shown = proof.slice(0, 32);
  const digest = await enc.sha512(Uint8Array.of(3, 2), key, points[0], shown, points[1], points[2], Uint8Array.of(0));
  need(little(digest.slice(0, 16)) === c, "the VRF proof does not belong to this key and name");
  return (await enc.sha512(Uint8Array.of(3, 3), encodePoint(times(8n, gamma)), Uint8Array.of(0))).slice(0, 32);
}

// --- the map

export const EMPTY = new Uint8Array(32);
const sum = (value) => { need(value < 1n << 63n, "a sum of the map is out of range"); return value; };
export const bit = (key, depth) => (key[depth >> 3] >> (7 - (depth & 7))) & 1;

/** A path as it stands in files: what is at its end (a leaf or null), and siblings from the root down. */
export function parsePath(path) {
  let leaf = null, at = 1;
  if (path[0] === 1) {
    at = 81;
    need(path.length >= at, "the path has an impossible length");
    leaf = { key: path.slice(1, 33), ...valueOf(path.slice(33, 81)) };
  } else need(path[0] === 0, "the path has no end");
  need((path.length - at) % 48 === 0 && path.length - at <= 256 * 48, "the path has an impossible length");
  const siblings = [];
  for (; at < path.length; at += 48) {
    const [number, units] = [sum(enc.big(path, at + 32)), sum(enc.big(path, at + 40))];
    siblings.push({ hash: path.slice(at, at + 32), count: number, units });
  }
  return { leaf, siblings };
}
/** The head (hash, count, units) to which a path to `place` leads. */
export async function climb(place, { leaf, siblings }) {
  let node = { hash: EMPTY, count: 0n, units: 0n };
  if (leaf !== null) {
    node = await leafNode(leaf.key, leaf);
    for (let depth = 0; depth < siblings.length; depth++)
      need(bit(leaf.key, depth) === bit(place, depth), "the path ends at a leaf that does not lie on the way");
  }
  for (let depth = siblings.length - 1; depth >= 0; depth--) {
    const other = siblings[depth];
    const empty = !enc.same(other.hash, EMPTY) || (other.count === 0n && other.units === 0n);
    need(empty, "an empty part of the map claims to hold something");
    node = await (bit(place, depth) ? inner(other, node) : inner(node, other));
  }
  return node;
}
/** What stands at `place` in the map with this head (hash, count, units); null where the path proves that nothing does. */
export async function lookUp(head, place, path) {
  const parsed = parsePath(path), node = await climb(place, parsed);
  const sums = node.count === BigInt(head.count) && node.units === BigInt(head.units);
  need(enc.same(node.hash, head.hash) && sums, "the path leads to another map, or its sums differ from the totals");
  return parsed.leaf !== null && enc.same(parsed.leaf.key, place) ? parsed.leaf : null;
}
/** The head in a `map` entry; where the policy names keys for places, one under a key that holds at its index `at`. */
export function headOf(value, at, policy = { vrfKeys: [] }) {
  need(value.k === "map" && typeof value.m === "string", "the entry holds no head of a map");
  for (const name of ["n", "q", "s"]) need(Number.isInteger(value[name]), "the head of the map lacks its totals");
  const hash = enc.b64url(value.r), key = enc.b64url(value.y);
  need(hash.length === 32 && key.length === 32, "the head of the map has a root or a key of a wrong length");
  const { vrfKeys } = policy, changed = value.b ?? null;
  const since = Math.max(0, ...vrfKeys.filter((one) => one.since <= at).map((one) => one.since));
  const held = vrfKeys.some((one) => one.since === since && enc.same(one.key, key)) && (since === 0 || changed === since);
  need(vrfKeys.length === 0 || held, "the head of the map was made under a key that the trust policy does not name for it");
  return { name: value.m, size: value.n, count: value.q, units: value.s, hash, key, clock: value.i ?? 0, changed };
}
/** Stretches of time [begin, end] in which the log's clock was wrong, as the log itself says. */
export function wrongClock(one, head) {
  const rising = one.clock.every((each, i) => i === 0 || one.clock[i - 1].i < each.i);
  need(one.clock.length === head.clock && rising, "not every entry is shown that says the clock was wrong");
  return one.clock.map((each) => {
    const about = each.e.k === "inc" && typeof each.e.x === "string" && each.e.x.startsWith("clock");
    need(each.i < head.size && about, "an entry that says nothing of the clock is shown as one that does");
    const reach = Number.isInteger(each.e.n) ? each.e.n : each.e.t;
    return [each.e.t - reach, each.e.t + reach];
  });
}
/** The head (hash, count, units) over all leaves (key, count, units, root) of a map. */
export async function treeOf(leaves) {
  const nodes = [];
  for (const one of leaves) nodes.push({ key: one.key, ...(await climb(one.key, { leaf: one, siblings: [] })) });
  nodes.sort((a, b) => (enc.hex(a.key) < enc.hex(b.key) ? -1 : 1));
  need(nodes.every((one, i) => i === 0 || !enc.same(nodes[i - 1].key, one.key)), "a key stands in the map twice");
  return fold(nodes, 0);
}
async function fold(nodes, depth) {
  if (nodes.length === 0) return { hash: EMPTY, count: 0n, units: 0n };
  if (nodes.length === 1) return nodes[0];
  const split = nodes.filter((one) => !bit(one.key, depth)).length;
  return inner(await fold(nodes.slice(0, split), depth + 1), await fold(nodes.slice(split), depth + 1));
}
/** The leaf of a key. */
export async function leafNode(key, { count, units, root }) {
  const hash = await enc.sha256(Uint8Array.of(2), key, enc.eight(sum(count)), enc.eight(sum(units)), root);
  return { hash, count, units };
}
/** The parent of two subtrees. */
export async function inner(left, right) {
  const sums = [left.count, left.units, right.count, right.units].map(enc.eight);
  return {
    hash: await enc.sha256(Uint8Array.of(3), ...sums, left.hash, right.hash),
    count: sum(left.count + right.count),
    units: sum(left.units + right.units),
  };
}
/** Count, units and root in 48 bytes. */
export function valueOf(bytes) {
  need(bytes.length === 48, "a value of the map has 48 bytes");
  return { count: sum(enc.big(bytes, 0)), units: sum(enc.big(bytes, 8)), root: bytes.slice(16) };
}
/** Whether two subtrees are the same. */
export const sameNode = (a, b) => enc.same(a.hash, b.hash) && BigInt(a.count) === BigInt(b.count) && BigInt(a.units) === BigInt(b.units);
/** Where a FaceId stands in the tree of its collection. */
export const facePlace = (face) => enc.sha256(enc.utf8(`custodes face v1\n${face}`));

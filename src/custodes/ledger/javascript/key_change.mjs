// A change of the VRF key: where names stand under a later key, and that all stands there that stood under the old one.
// In: a statement or the value under `vrf`. Out: a place; PRESENT, UNDETERMINED or INVALID.

import * as enc from "./encoding.mjs";
import * as log from "./log.mjs";
import { headOf, placeOf, sameNode, treeOf, valueOf } from "./place.mjs";
const { need } = enc;

/** A `vrf` entry with what its `e` is over: the first key of the log, and SHA-256 of the places. */
export function shown(value) {
  enc.members(value, ["e", "f", "i", "p"]);
  return { i: enc.count(value.i), e: log.entry(value.e), first: enc.b64url(value.f), places: enc.b64url(value.p) };
}
async function checkShown({ e, first, places }, policy) {
  need(e.k === "vrf", "an entry that changes no VRF key is shown as one that does");
  need(enc.same(await enc.sha256(first, places), enc.b64url(e.e)), "the change commits to another first key, or other places");
  const named = policy.vrfKeys.filter((one) => one.since === 0);
  need(named.length === 0 || named.some((one) => enc.same(one.key, first)), "the first VRF key is another than the policy names");
}

/** The 32 bytes at which a statement's identifier stands in the map with its head. */
export async function placeUnder(one, head, policy) {
  need((one.change === null) === (head.changed === null), "the change by which the VRF key of the head came is not shown");
  const name = enc.utf8(one.identifier);
  if (one.change === null) return placeOf(head.key, name, one.vrf);
  await checkShown(one.change, policy);
  const right = one.change.i === head.changed && enc.same(enc.b64url(one.change.e.y), head.key) && one.head.i > one.change.i;
  need(right, "the head of the map was made under another VRF key than the change shown brought");
  return placeOf(head.key, await placeOf(one.change.first, name, one.vrf.slice(0, 80)), one.vrf.slice(80));
}

function placeIn(value) {
  enc.members(value, ["b", "v", "y"], ["o"]);
  const row = { first: enc.b64url(value.b), old: "o" in value ? enc.b64url(value.o) : null, new: enc.b64url(value.y) };
  return { ...row, ...valueOf(enc.b64url(value.v)) };
}

export async function verdict(value, policy) {
  enc.members(value, ["accounts", "before", "checkpoint", "entry", "heads", "parties", "proof", "v"]);
  need(value.v === 2, "this file is of another version");
  const state = await log.openCheckpoint(value.checkpoint, policy);
  const entry = shown(value.entry), before = value.before === null ? null : shown(value.before);
  const heads = enc.list(value.heads).map(log.placed);
  await log.inLog([entry, ...(before === null ? [] : [before]), ...heads], state, enc.hashes(value.proof));
  need(heads.length === 4, "the file shows another number of heads than four");
  const places = { accounts: enc.list(value.accounts), parties: enc.list(value.parties) };
  need(enc.same(await enc.sha256(enc.canonicalBytes(places)), entry.places), "the entry commits to other places");
  await checkShown(entry, policy);
  if (before !== null) await checkShown(before, policy);
  for (const [about, at, from, rows] of [["account", entry.e.a, 0, places.accounts], ["party", entry.e.b, 2, places.parties]]) {
    const [old, now] = [heads[from], heads[from + 1]].map((one) => headOf(one.e, one.i, policy));
    const right = old.name === about && now.name === about && heads[from].i === at && now.changed === entry.i;
    need(right && old.size === now.size && enc.same(now.key, enc.b64url(entry.e.y)), "the heads are not those around the change");
    const known = before === null
      ? old.changed === null && enc.same(old.key, entry.first)
      : old.changed === before.i && enc.same(old.key, enc.b64url(before.e.y)) && enc.same(before.first, entry.first);
    need(known, "the old key, or the first one, is another than the change before this one says");
    await checkMoved(rows.map(placeIn), old, now);
  }
  if (!state.quorumMet)
    return { verdict: "UNDETERMINED", reasons: ["too few of the witnesses that you trust confirmed this log"] };
  const what = `${places.accounts.length + places.parties.length} places have the same under both keys, and neither map has anything else`;
  return { verdict: "PRESENT", reasons: [`entry ${entry.i} changes the VRF key: ${what}`, ...log.standing(state)] };
}
async function checkMoved(rows, old, now) {
  const rising = rows.every((one, i) => i === 0 || enc.hex(rows[i - 1].first) < enc.hex(one.first));
  need(rising && rows.every((one) => one.first.length === 32), "the places are out of order");
  need(rows.every((one) => (one.old === null) === (old.changed === null)), "a place has no proof under the old key, or a wrong one");
  for (const [head, which] of [[old, "old"], [now, "new"]]) {
    const leaves = [];
    for (const one of rows) leaves.push({ ...one, key: one[which] === null ? one.first : await placeOf(head.key, one.first, one[which]) });
    need(sameNode(await treeOf(leaves), head), "the places do not lead to the head of a map");
  }
}

// A change of the VRF key: every name of both maps has under the new key what it had under the old one.
// In: the value under `vrf`. Out: PRESENT, UNDETERMINED or INVALID.

import * as enc from "./encoding.mjs";
import * as log from "./log.mjs";
import { mapOf } from "./names.mjs";
import { headOf, placeOf, sameNode, treeOf, valueOf } from "./place.mjs";
const { need } = enc;

const order = (name) => enc.hex(enc.utf8(name));
function nameOf(value) {
  enc.members(value, ["n", "o", "v", "y"]);
  const row = { name: enc.text(value.n), about: mapOf(value.n), old: enc.b64url(value.o), new: enc.b64url(value.y) };
  need(row.about !== null, "a name is not in canonical form");
  return { ...row, ...valueOf(enc.b64url(value.v)) };
}

export async function verdict(value, policy) {
  enc.members(value, ["checkpoint", "entry", "heads", "names", "proof", "v"]);
  need(value.v === 1, "this file is of another version");
  const entry = log.placed(value.entry), heads = enc.list(value.heads).map(log.placed), { e } = entry;
  const state = await log.openCheckpoint(value.checkpoint, policy);
  await log.inLog([entry, ...heads], state, enc.hashes(value.proof));
  need(e.k === "vrf" && heads.length === 4, "the file shows no change of the VRF key with the heads around it");
  need(enc.same(await enc.sha256(enc.canonicalBytes(enc.list(value.names))), enc.b64url(e.e)), "the entry commits to other names");
  const names = value.names.map(nameOf);
  need(names.every((one, i) => i === 0 || order(names[i - 1].name) < order(one.name)), "the names are out of order");
  for (const [about, at, first] of [["account", e.a, 0], ["party", e.b, 2]]) {
    const [old, now] = [heads[first], heads[first + 1]].map((one) => headOf(one.e, one.i, policy));
    const right = old.name === about && now.name === about && heads[first].i === at && now.changed === entry.i;
    need(right && old.size === now.size && enc.same(now.key, enc.b64url(e.y)), "the heads are not those around the change");
    const rows = names.filter((one) => one.about === about);
    for (const [head, which] of [[old, "old"], [now, "new"]]) {
      const leaves = [];
      for (const one of rows) leaves.push({ ...one, key: await placeOf(head.key, one.name, one[which]) });
      need(sameNode(await treeOf(leaves), head), "the names do not lead to the head of a map");
    }
  }
  if (!state.quorumMet)
    return { verdict: "UNDETERMINED", reasons: ["too few of the witnesses that you trust confirmed this log"] };
  const what = `${names.length} names have the same under both keys, and neither map has anything else`;
  return { verdict: "PRESENT", reasons: [`entry ${entry.i} changes the VRF key: ${what}`, ...log.standing(state)] };
}

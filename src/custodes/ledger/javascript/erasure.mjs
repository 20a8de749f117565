// Certificates of erasure: this face was in the index of its collection, and since this entry it is not.
// In: the value under `erasure`. Out: ABSENT, UNDETERMINED or INVALID.

import * as enc from "./encoding.mjs";
import * as log from "./log.mjs";
import { climb, facePlace, headOf, lookUp, parsePath, placeOf } from "./place.mjs";
const { need } = enc;

function parse(value) {
  const names = ["account", "after", "before", "checkpoint", "collection", "entry", "face", "later", "proof", "v"];
  enc.members(value, names);
  need(value.v === 1, "this certificate is of another version");
  let later = null;
  if (value.later !== null) {
    const { face, head, path, vrf } = enc.members(value.later, ["face", "head", "path", "vrf"]);
    later = { head: log.placed(head), vrf: enc.b64url(vrf), path: enc.b64url(path), face: enc.b64url(face) };
  }
  const [account, collection, face] = [value.account, value.collection, value.face].map(enc.text);
  const ways = { before: enc.b64url(value.before), after: enc.b64url(value.after) };
  const proof = enc.hashes(value.proof);
  return { account, collection, face, ...ways, checkpoint: value.checkpoint, entry: log.placed(value.entry), proof, later };
}

export async function verdict(value, policy) {
  const one = parse(value), era = one.entry.e;
  const state = await log.openCheckpoint(one.checkpoint, policy);
  await log.inLog([one.entry, ...(one.later === null ? [] : [one.later.head])], state, one.proof);
  const records = (era.k === "era" || era.k === "ret") && Number.isInteger(era.n) && "o" in era && "w" in era;
  need(records, "the entry shown records no erasure from an index");
  const place = await facePlace(one.face), [before, after] = [parsePath(one.before), parsePath(one.after)];
  const [old, now] = [await climb(place, before), await climb(place, after)];
  const bound = enc.same(old.hash, enc.b64url(era.o)) && enc.same(now.hash, enc.b64url(era.w));
  need(bound, "the index shown is not the one that the entry commits to");
  const { leaf } = before;
  const was = leaf !== null && enc.same(leaf.key, place) && leaf.count === 1n && leaf.units === 0n;
  need(was && enc.same(leaf.root, new Uint8Array(32)), "the face was not in the index before");
  need(after.leaf === null || !enc.same(after.leaf.key, place), "the face is still in the index");
  need(old.count - now.count === BigInt(era.n), "the entry says another number of erased faces than the index shows");
  if (one.later !== null) await checkLater(one, place, policy);
  if (!state.quorumMet)
    return { verdict: "UNDETERMINED", reasons: ["too few of the witnesses that you trust confirmed this log"] };
  return { verdict: "ABSENT", reasons: reasons(one, state) };
}
async function checkLater(one, place, policy) {
  const { later } = one, head = headOf(later.head.e, later.head.i, policy);
  const after = head.name === "collection" && one.entry.i < head.size && head.size <= later.head.i;
  need(after, "the later head is not one of the collection map after the erasure");
  const at = await placeOf(head.key, enc.utf8(`coll:${one.account}/${one.collection}`), later.vrf);
  const collection = await lookUp(head, at, later.path);
  need(collection !== null, "the collection is not in the later map");
  const found = await lookUp({ ...collection, hash: collection.root }, place, later.face);
  need(found === null, "the face is in the index again");
}
const reasons = (one, state) => [
  `this is about face ${enc.clean(one.face)} of collection ${enc.clean(one.collection)}, account ${enc.clean(one.account)}`,
  `entry ${one.entry.i} of the log records the erasure`,
  "the face was in the index that the entry names as the one before, and is not in the one after",
  `that entry erased ${one.entry.e.n} faces in all, and exactly so many are missing`,
  ...(one.later === null ? [] : [`at entry ${one.later.head.i} the collection was searched without this face`]),
  ...log.standing(state),
];

// The provider's rules over time, as `pol` entries tell it: FORMAT.md, "Changes of policy".
// In: all `pol` entries in order, with bodies. Out: which set was in force from which entry on, or Invalid.

import { ed25519 } from "./curve.mjs";
import * as enc from "./encoding.mjs";
const { need } = enc;

const line = async (label, value) => enc.hex(await enc.sha256(enc.utf8(`${label}\n`), enc.canonicalBytes(value)));
export const setDigest = (set) => line("custodes policy set v1", set);
const OWN_SET = "the set of the program; nobody was appointed to change it";
const digestOf = (value) => (typeof value === "string" ? enc.hex(enc.b64url(value)) : null);

/** Sets in the order in which they took force: index, t, policy (hexadecimal), notes. */
export async function timeline(changes, bodies, sets) {
  const chain = { head: "0".repeat(64), inForce: "", noticeMs: 0, officers: {}, waiting: null, forces: [] };
  // A set waits as {policy, effective, notes, quiet, noticeMs: what notice runs after it, or null for the same}.
  for (const [at, one] of changes.entries()) {
    const head = digestOf(one.e.h), occasion = one.e.x;
    if (head === null) enter(chain, one, "no rules: whoever authenticated may", true, false);
    else if (occasion === "start" || occasion === "void") {
      const right = head === chain.head && digestOf(one.e.p) === chain.inForce;
      need(right, `entry ${one.i} announces other rules than the changes before it lead to`);
    } else if (changes[at + 1]?.e.x !== "void") await follow(chain, one, bodies.get(one.i), sets);
  }
  return chain;
}
async function follow(chain, one, body, sets) {
  need(body !== undefined, `the change in entry ${one.i} is not disclosed`);
  const record = body.record, { act, policy } = record;
  const digest = await line("custodes policy record v1", record);
  const next = digest === digestOf(one.e.h) && record.previous === chain.head;
  need(next, `a change in front of entry ${one.i} is missing, or another one was announced`);
  const told = policy === digestOf(one.e.p) && act === one.e.x;
  need(told, `entry ${one.i} says something else in public than in its body`);
  const { signers, notBefore } = await signersOf(chain, record, one.i);
  chain.head = digest;
  if (act === "release") {
    need(Object.keys(chain.officers).length === 0, `entry ${one.i} changes the rules past their officers`);
    chain.noticeMs = enc.count(record.notice_ms);
    const weakens = chain.inForce !== "" && !onlyAdds(sets.get(chain.inForce), sets.get(policy));
    enter(chain, one, OWN_SET, weakens, weakens);
  } else if (act === "upgrade") {
    const free = Object.keys(chain.officers).length === 0 && chain.inForce !== "";
    need(free, `entry ${one.i} announces the program's own set past officers, or as the first`);
    const notes = `${OWN_SET}; announced in entry ${one.i}`;
    const effective = one.e.t + chain.noticeMs;
    chain.waiting = { policy, effective, notes, quiet: false, noticeMs: enc.count(record.notice_ms), index: one.i, t: one.e.t };
  } else if (act === "officers") {
    const enough = Math.min(2, Object.keys(chain.officers).length);
    need(signers.length >= enough, `officers changed in entry ${one.i} without ${enough} signatures`);
    for (const key of Object.values(record.officers)) enc.unhex(key);
    if (Object.keys(chain.officers).length === 0) chain.waiting = null;
    chain.officers = record.officers;
  } else if (act === "set") setTo(chain, one, policy, signers, notBefore, sets);
  else if (act === "force") {
    const due = chain.waiting !== null && chain.waiting.policy === policy && one.e.t >= chain.waiting.effective;
    need(due, `the set of entry ${one.i} took force before its time`);
    chain.noticeMs = chain.waiting.noticeMs ?? chain.noticeMs;
    const waited = chain.waiting;
    enter(chain, one, waited.notes, waited.quiet, true);
    chain.forces.at(-1).notice = waited;
  } else need(false, `entry ${one.i} is a change of an unknown kind`);
}
function setTo(chain, one, policy, signers, notBefore, sets) {
  need(signers.length > 0, `the change in entry ${one.i} is signed by nobody`);
  const effective = one.e.b ?? null, who = `signed by ${signers.map(enc.clean).join(", ")}`;
  if (effective !== null) {
    need(effective >= notBefore, `the change in entry ${one.i} is announced for before what its officers signed`);
    const noticed = signers.length > 1 && effective >= one.e.t + chain.noticeMs;
    const notes = `${who}, announced in entry ${one.i}${noticed ? "" : " WITHOUT NOTICE"}`;
    chain.waiting = { policy, effective, notes, quiet: !noticed, noticeMs: null, index: one.i, t: one.e.t };
    return;
  }
  const tightens = onlyAdds(sets.get(chain.inForce), sets.get(policy));
  const how = tightens ? "only adds prohibitions" : "at once; the texts alone do not show that it only adds prohibitions";
  enter(chain, one, `${who}; ${how}`, !tightens, !tightens);
}
function enter(chain, one, notes, quiet, weakens) {
  chain.inForce = digestOf(one.e.p) ?? "";
  chain.waiting = null;
  chain.forces.push({ index: one.i, t: one.e.t, policy: chain.inForce, notes, quiet, weakens, notice: null });
}
/** Officers whose signatures under this very change hold, one per key; one that does not hold sinks the change. */
async function signersOf(chain, record, index) {
  const { manifest } = record;
  if (!enc.isObject(manifest)) return { signers: [], notBefore: 0 };
  const onSet = manifest.subject === "set";
  const officers = onSet ? "" : await line("custodes policy officers v1", record.officers);
  const meant = onSet ? [chain.inForce, record.policy] : [chain.head, officers];
  const fits = manifest.previous === meant[0] && manifest.digest === meant[1] && onSet === (record.act === "set");
  need(fits, `the signatures under entry ${index} are for another change`);
  const label = `custodes policy ${onSet ? "change" : "officers"} v1`;
  const message = enc.utf8(`${label}\n${meant[0]}\n${meant[1]}\n${manifest.not_before_ms}\n`);
  const found = new Map();
  for (const name of Object.keys(manifest.signatures).sort()) {
    const key = Object.hasOwn(chain.officers, name) ? chain.officers[name] : null;
    const holds = key !== null && (await ed25519(enc.unhex(key), message, enc.unhex(manifest.signatures[name])));
    need(holds, `a signature under entry ${index} is not that of an officer`);
    if (!found.has(key)) found.set(key, name);
  }
  return { signers: [...found.values()].sort(), notBefore: enc.count(manifest.not_before_ms) };
}
/** Whether a set is another one with further packs that permit nothing. */
function onlyAdds(old, now) {
  if (old === undefined || now === undefined || old.schema !== now.schema) return false;
  if (!enc.isObject(old.packs) || !enc.isObject(now.packs)) return false;
  const added = Object.keys(now.packs).filter((name) => !(name in old.packs));
  const kept = Object.entries(old.packs).every(([name, text]) => now.packs[name] === text);
  return kept && !added.some((name) => String(now.packs[name]).includes("permit"));
}

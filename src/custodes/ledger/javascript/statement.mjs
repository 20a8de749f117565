// Statements about one account, or about one name in the party map: did it use the service, was it behind a customer?
// In: the value under `statement`, a trust policy, the reader's time in ms or null. Out: verdict and reasons.

import * as enc from "./encoding.mjs";
import * as log from "./log.mjs";
import { mapOf } from "./names.mjs";
import * as keyChange from "./key_change.mjs";
import { headOf, lookUp, wrongClock } from "./place.mjs";
const { need, Undetermined } = enc;

const SLACK_MS = 60000, LAST_MS = 253402300799999;

/** The value under `statement` with its form checked, nothing in it verified. */
export function parse(value) {
  const question = enc.members(enc.members(value, Object.keys(value ?? {})).question, ["from", "identifier", "to"]);
  const about = mapOf(enc.text(question.identifier));
  const rows = about === "party" ? "places" : "uses";
  const names = ["checkpoint", "head", "next", "path", "prices", "proof", "question", rows, "v", "vrf"];
  enc.members(value, names, ["change", "clock", "destroyed"]);
  need(value.v === 1, "this statement is of another version");
  need(value.prices === null || enc.isObject(value.prices), "the price list is no object");
  for (const name of ["clock", "destroyed"]) if (name in value) need(enc.list(value[name]).length > 0, `'${name}' is empty`);
  const shown = enc.list(value[rows]).map((one) => row(one, about === "party" ? ["c"] : []));
  const gone = (value.destroyed ?? []).map((one) => {
    enc.members(one, ["b", "e", "h", "i", "s"]);
    return { i: enc.count(one.i), e: log.entry(one.e), b: one.b, s: enc.b64url(one.s), h: log.placed(one.h) };
  });
  return {
    identifier: question.identifier,
    about,
    from: enc.time(question.from),
    to: enc.time(question.to),
    checkpoint: enc.text(value.checkpoint),
    head: log.placed(value.head),
    next: value.next === null ? null : log.placed(value.next),
    proof: enc.hashes(value.proof),
    vrf: enc.b64url(value.vrf),
    path: enc.b64url(value.path),
    uses: about === "party" ? [] : shown,
    places: about === "party" ? shown : [],
    clock: (value.clock ?? []).map(log.placed),
    gone,
    change: "change" in value ? keyChange.shown(value.change) : null,
  };
}
function row(value, more) {
  enc.members(value, ["e", "i", ...more], ["b", "s"]);
  need("b" in value === "s" in value, "half an opening");
  const c = more.length > 0 ? enc.b64url(value.c) : null;
  need(c === null || c.length === 32, "a place has no commitment");
  return { i: enc.count(value.i), e: log.entry(value.e), c, b: value.b, s: "s" in value ? enc.b64url(value.s) : null };
}

/** The verdict on a parsed statement; `stamps` has the file, the pinned roots, and the functions of `time_stamps.mjs`. */
export async function judge(one, policy, nowMs, stamps = null) {
  if (one.about === null) throw new Undetermined("the identifier is not in canonical form, so it has no place in the map");
  const state = await log.openCheckpoint(one.checkpoint, policy);
  await log.inLog(shownIn(one), state, one.proof);
  const head = headOf(one.head.e, one.head.i, policy);
  need(head.name === one.about, "the head is of another map than the identifier's");
  const outside = one.next ?? one.head;
  need(outside.i === head.size && head.size <= one.head.i, "the first entry that the map does not cover is not shown");
  const covered = outside.e.t;
  need(covered <= LAST_MS, "the log claims a time after the year 9999");
  const value = await lookUp(head, await keyChange.placeUnder(one, head, policy), one.path);
  const uses = await usesOf(one, head, value), places = await placesOf(one, head, value);
  const stretches = wrongClock(one, head), destroyed = await destroyedIn(one);
  const bracket = stamps === null ? null : await stamps.bracketOf(stamps.file, stamps.roots, policy, state, one);
  const doubts = doubtsOf(one, { state, covered, uses, stretches, destroyed, nowMs });
  if (head.changed !== null && policy.vrfKeys.length === 0)
    doubts.push(`places are under a key that entry ${head.changed} brought, and your trust policy names none: check that change`);
  if (bracket !== null) doubts.push(...stamps.doubtsOf(bracket, one, head.size, uses.length > 0, one.uses));
  if (doubts.length > 0) return { verdict: "UNDETERMINED", reasons: doubts };
  const present = uses.length > 0 || places.length > 0;
  return { verdict: present ? "PRESENT" : "ABSENT", reasons: found(one, { state, head, covered, value, uses, places }) };
}
function shownIn(one) {
  const shown = [one.head, ...(one.next === null ? [] : [one.next]), ...one.uses, ...one.clock];
  const again = [...one.places, ...one.gone.flatMap((each) => [each, each.h]), ...(one.change === null ? [] : [one.change])];
  for (const each of again)
    if (!shown.some((other) => other.i === each.i && enc.same(other.e.bytes, each.e.bytes))) shown.push(each);
  return shown;
}
const inPeriod = (one, t) => (one.from === null || one.from <= t) && (one.to === null || t < one.to);
async function usesOf(one, head, value) {
  if (value === null || one.about !== "account") {
    need(one.uses.length === 0, "the map credits no uses to this identifier, but the statement shows some");
    return [];
  }
  const rising = one.uses.every((use, i) => i === 0 || one.uses[i - 1].i < use.i);
  need(rising && (one.uses.length === 0 || one.uses.at(-1).i < head.size), "the uses are out of order, or not covered");
  const leaves = [];
  for (const use of one.uses) leaves.push(await log.leafHash(enc.join(enc.eight(use.i), await log.leafHash(use.e.bytes))));
  const all = BigInt(one.uses.length) === value.count && enc.same(await log.treeRoot(leaves), value.root);
  need(all, "the uses shown are not all the uses that the map credits to this account");
  need(one.uses.every((use) => use.e.k === "use" && Number.isInteger(use.e.u)), "an entry that is no use is counted");
  const units = one.uses.reduce((sum, use) => sum + BigInt(use.e.u), 0n);
  need(units === value.units, "the units of the uses do not add up to what the map says");
  const inside = one.uses.filter((use) => inPeriod(one, use.e.t));
  for (const use of inside)
    if (use.s !== null) {
      await log.opens(use.e.c, use.s, use.b);
      need(enc.isObject(use.b) && `acct:${use.b.acct}` === one.identifier, "a use of another account is counted here");
    }
  return inside;
}
async function placesOf(one, head, value) {
  if (value === null || one.about !== "party") {
    need(one.places.length === 0, "the map has nothing under this identifier, but the statement shows some");
    return [];
  }
  const rising = one.places.every((place, i) => i === 0 || one.places[i - 1].i <= place.i);
  need(rising && (one.places.length === 0 || one.places.at(-1).i < head.size), "the places are out of order, or not covered");
  const leaves = [];
  for (const place of one.places) leaves.push(await log.leafHash(enc.join(enc.eight(place.i), place.c)));
  const all = BigInt(one.places.length) === value.count && enc.same(await log.treeRoot(leaves), value.root);
  need(all, "the places shown are not all the places that the map has under this identifier");
  for (const place of one.places) {
    need(place.e.k === "org", "an entry that is no dossier brings a place");
    if (place.s === null) continue;
    need(place.s.length === 16, "the body is not the one that was committed");
    const text = enc.canonicalBytes(place.b);
    need(enc.same(await enc.sha256(place.s, text), place.c), "the body is not the one that was committed");
    need(enc.isObject(place.b) && place.b.party === one.identifier, "a place of somebody else is counted here");
  }
  return one.places.filter((place) => one.to === null || place.e.t < one.to);
}
/** Indexes of uses whose private bodies were destroyed by an entry of the log. */
export async function destroyedIn(one) {
  const destroyed = new Set();
  for (const each of one.gone) {
    const counted = headOf(each.h.e, each.h.i);
    need(each.e.k === "del" && each.e.m === each.h.i, "an entry that destroys nothing is shown as one that does");
    await log.opens(each.e.c, each.s, each.b);
    need(enc.isObject(each.b) && `acct:${each.b.acct}` === one.identifier, "a destruction of somebody else's entries");
    need(Array.isArray(each.b.entries) && each.b.entries.length === each.e.n, "a destruction of another number of entries");
    need(counted.name === "account" && each.h.i < each.i, "bodies were destroyed before a head counted their uses");
    for (const index of each.b.entries) if (Number.isInteger(index) && index < counted.size) destroyed.add(index);
  }
  return destroyed;
}

function doubtsOf(one, { state, covered, uses, stretches, destroyed, nowMs }) {
  const doubts = [], say = (when, why) => { if (when) doubts.push(why); };
  const holds = (t, some) => some.some(([begin, end]) => begin <= t && t <= end);
  const meeting = stretches.filter(([begin, end]) => (one.from === null || one.from <= end) && (one.to === null || begin < one.to));
  const stuck = stretches.filter(([begin, end]) => begin <= covered && covered <= end).map(([begin]) => begin);
  say(!state.quorumMet, "too few of the witnesses that you trust confirmed this state of the log");
  say(one.from !== null && one.to !== null && one.from >= one.to, "the period asked for is empty");
  const late = (one.from ?? 0) > covered || (one.to ?? 0) > covered;
  say(late, "the period asked for ends after the last entry that this answer covers");
  const early = state.seen !== null && (one.to ?? 0) >= (state.seen + 1) * 1000;
  say(early, "the witnesses confirmed this state before the period asked for was over");
  const ahead = stuck.length > 0 ? 0 : covered - SLACK_MS;
  const wrongEnd = stuck.length > 0 && (one.to === null || one.to > Math.min(...stuck));
  say(wrongEnd, "the operator's clock was wrong at the end of the period, as the log itself says");
  say(state.seen !== null && ahead > (state.seen + 1) * 1000, "the log's clock was ahead of the witnesses' clocks");
  say(nowMs !== null && ahead > nowMs, "the log's clock is ahead of yours");
  const open = one.from === null && one.to === null;
  const allUndated = uses.every((use) => holds(use.e.t, stretches));
  const undated = !open && allUndated && one.uses.some((use) => holds(use.e.t, meeting));
  say(undated, "uses were dated while the operator's clock was wrong: they may have been in the period");
  const withheld = uses.filter((use) => use.s === null && !destroyed.has(use.i));
  say(withheld.length > 0, `${withheld.length} uses are shown without details, and no entry says that these were destroyed`);
  return doubts;
}
function found(one, { state, head, covered, value, uses, places }) {
  const name = enc.clean(one.identifier), end = enc.moment(one.to ?? covered);
  const period = `between ${one.from === null ? "the start of the log" : enc.moment(one.from)} and ${end}`;
  const units = uses.reduce((sum, use) => sum + use.e.u, 0);
  const answers = {
    account: uses.length > 0
      ? `${name} used the service ${uses.length} times (${units} units) ${period}`
      : `there is no use by ${name} ${period}`,
    party: places.length > 0
      ? `${name} is recorded in the map of parties, in ${places.length} places`
      : `on the evidence given, ${name} was behind no customer until ${end}`,
  };
  const there = value === null ? "nothing" : `${value.count} entries, all of which are in this file`;
  return [
    answers[one.about],
    ...places.filter((place) => place.s !== null).map((place) =>
      `entry ${place.i}, ${enc.moment(place.e.t)}: ${enc.clean(place.b.role)} of account ${enc.clean(place.b.acct)}`),
    `entry ${one.head.i} of the log sums up its first ${head.size} entries; at the only possible place it says: ${there}`,
    ...log.standing(state),
  ];
}

// Reports on one account for regulators: every number is counted again from the entries that the report shows.
// In: the value under `regulation`. Out: the verdict of the statement in it, or INVALID where a number is another one.

import * as enc from "./encoding.mjs";
import * as log from "./log.mjs";
import * as statement from "./statement.mjs";
const { need } = enc;

const IDENTIFICATIONS = new Set([
  "AssociateFaces", "ExportFaces", "GetCelebrityInfo", "GetCelebrityRecognition", "GetFaceSearch", "RecognizeCelebrities", "RunHandler", "SearchFaces",
  "SearchFacesByImage", "SearchUsers", "SearchUsersByImage", "StartCelebrityRecognition", "StartCrossMatch", "StartFaceSearch",
  "StartStreamProcessor",
]);
const EXCEPTIONAL = new Set(["missing-person", "child-protection", "imminent-threat", "serious-crime"]);
const AUTHORISATION_MS = 48 * 3600000;

function record(value) {
  enc.members(value, ["b", "e", "i", "s"]);
  need(enc.isObject(value.b), "a body is no object");
  return { i: enc.count(value.i), e: log.entry(value.e), s: enc.b64url(value.s), b: value.b };
}

export async function verdict(value, policy, nowMs) {
  enc.members(value, ["account", "declared", "figures", "proof", "records", "statement", "v"]);
  need(value.v === 1, "this report is of another version");
  need(enc.isObject(value.declared) && enc.isObject(value.figures), "an object is missing");
  need(Object.values(value.figures).every(Number.isInteger), "a figure is no number");
  const account = enc.text(value.account), records = enc.list(value.records).map(record), proof = enc.hashes(value.proof);
  enc.members(value.statement, ["digest", "statement"]);
  const digest = await enc.sha256(enc.canonicalBytes(value.statement.statement));
  need(enc.same(enc.b64url(value.statement.digest), digest), "the file is damaged: its checksum does not fit");
  const one = statement.parse(value.statement.statement);
  need(one.identifier === `acct:${account}`, "the statement in the report is about somebody else");
  const answer = await statement.judge(one, policy, nowMs);
  if (answer.verdict === "UNDETERMINED") return answer;
  need(records.every((each, at) => at === 0 || records[at - 1].i < each.i), "the entries beside the uses are out of order");
  if (records.length > 0) await log.inLog(records, await log.openCheckpoint(one.checkpoint, policy), proof);
  else need(proof.length === 0, "the report proves entries that it does not show");
  for (const each of records) {
    const kind = ["acc", "auth", "rev"].includes(each.e.k) && "c" in each.e;
    need(kind, "an entry beside the uses is of another kind");
    await log.opens(each.e.c, each.s, each.b);
    need(each.b.acct === account, "an entry that is shown here is about another account");
  }
  const found = figures(one, records, await statement.destroyedIn(one));
  for (const name of new Set([...Object.keys(value.figures), ...Object.keys(found)])) {
    const [said, counted] = [value.figures[name], found[name]];
    need(said === counted, `the report says ${said} for ${enc.clean(name)}; the entries give ${counted}`);
  }
  const lines = Object.entries(found).sort().map(([name, number]) => `${enc.clean(name)}: ${number}`);
  return { verdict: answer.verdict, reasons: [answer.reasons[0], ...lines, ...answer.reasons.slice(1)] };
}

function figures(one, records, destroyed) {
  const counts = new Map(), add = (name, number = 1) => counts.set(name, (counts.get(name) ?? 0) + Number(number));
  const begin = one.from ?? 0, end = one.to ?? (one.next ?? one.head).e.t;
  const uses = one.uses.filter((use) => (one.from === null || begin <= use.e.t) && (one.to === null || use.e.t < one.to));
  const purposes = new Map(records.filter((each) => each.e.k === "auth").map((each) => [each.i, each.b.purpose]));
  for (const use of uses) {
    add("12.uses");
    add("12.units", use.e.u);
    if (use.s === null) { add("19.details_destroyed", destroyed.has(use.i)); continue; }
    add("19.details_kept");
    need(purposes.has(use.e.a), "a use is shown without the decision that permitted it");
    countUse(add, use, purposes.get(use.e.a));
  }
  const inside = records.filter((each) => begin <= each.e.t && each.e.t < end);
  for (const each of inside) {
    const word = each.e.d ?? each.e.x ?? "";
    if (each.e.k === "auth") {
      add(`26.${word === "allow" ? "allowed" : "refused"}`);
      if (word === "allow" && typeof each.b.purpose === "string") add(`30.purpose.${each.b.purpose}`);
    } else if (each.e.k === "rev") add(`14.5.${each.b.what}`);
    else if (word === "case") { add("26.10.cases"); add("26.10.late", isLate(each, records, end)); }
    else if (word === "authorised") add("26.10.granted");
    else if (word === "refused") add("26.10.refused");
    else if (word === "suspend") add("26.5.suspensions");
  }
  add("14.5.verified_by_two", verifiedByTwo(inside));
  return Object.fromEntries([...counts].filter(([, number]) => number !== 0));
}
const number = (value) => (Number.isInteger(value) && value >= 0 ? value : 0);
function countUse(add, use, purpose) {
  const facts = use.b, numbers = enc.isObject(facts.counts) ? facts.counts : {};
  add("35.faces_enrolled", number(numbers.faces_enrolled));
  add("30.faces_erased", number(numbers.faces_erased));
  if (!IDENTIFICATIONS.has(facts.op) || facts.code !== "Done") return;
  add("12.3.identifications");
  add("12.3.a.begin_and_end", Number.isInteger(facts.start));
  add("12.3.a.in_a_case", "case" in facts);
  add("12.3.b.database_and_version", ["collection", "collection_version", "model"].every((name) => name in facts));
  if (number(numbers.matches) > 0) {
    add("12.3.c.with_match");
    add("12.3.c.with_match_and_input", "picture_sha256" in facts);
  }
  if (EXCEPTIONAL.has(purpose)) add(`26.10.uses.${new Date(use.e.t).getUTCFullYear()}`);
}
/** Whether 48 hours of a case went by without a decision of an authority, as far as the period reaches. */
function isLate(begun, records, end) {
  const due = begun.e.t + AUTHORISATION_MS;
  const decided = records.some((each) => each.e.k === "acc" && ["authorised", "refused"].includes(each.e.x) &&
    each.b.case === begun.b.case && each.e.t < due);
  return due < end && !decided;
}
function verifiedByTwo(records) {
  const persons = new Map(), released = new Set();
  for (const { e, b } of records) {
    if (e.k !== "rev") continue;
    if (b.what === "confirm") persons.set(b.review, (persons.get(b.review) ?? new Set()).add(b.person));
    if (b.what === "release") released.add(b.review);
  }
  return [...released].filter((review) => (persons.get(review)?.size ?? 0) >= 2).length;
}

// Moratorium reports: what one sector was allowed and refused in a period, and by which rules.
// In: the value under `moratorium`. Out: ABSENT where it was allowed none of the operations, PRESENT with counts, or why not.

import * as enc from "./encoding.mjs";
import * as log from "./log.mjs";
import { headOf, wrongClock } from "./place.mjs";
import { setDigest, timeline } from "./policy_timeline.mjs";
const { need, Undetermined } = enc;

/** A request that was decided just before a change may stand behind it in the log. */
const SWITCH_MS = 60000;
/** Clocks of honest machines differ by less. What counts of a gap in a notice, and of one in front of a start. */
const SLACK_MS = 60000, MOST_MS = 7200000, LEAST_MS = 5000;

function parse(value) {
  const names = ["changes", "checkpoint", "excerpts", "first", "head", "opened", "proof", "question", "range", "sets", "v"];
  enc.members(value, names, ["clock"]);
  if ("clock" in value) need(enc.list(value.clock).length > 0, "'clock' is empty");
  need(value.v === 2, "this report is of another version");
  const question = enc.members(value.question, ["from", "operations", "rule", "sector", "to"]);
  return {
    sector: enc.text(question.sector),
    operations: enc.list(question.operations).map(enc.text),
    rule: enc.text(question.rule),
    from: enc.time(question.from),
    to: enc.time(question.to),
    checkpoint: enc.text(value.checkpoint),
    first: enc.count(value.first),
    range: enc.list(value.range).map(log.entry),
    changes: enc.list(value.changes).map(log.placed),
    opened: enc.list(value.opened).map(log.opened),
    excerpts: enc.list(value.excerpts).map(log.opened),
    sets: enc.list(value.sets).map((set) => { need(enc.isObject(set), "an object is missing"); return set; }),
    proof: enc.hashes(value.proof),
    head: log.placed(value.head),
    clock: (value.clock ?? []).map(log.placed),
  };
}

export async function verdict(value, policy, nowMs) {
  const report = parse(value);
  const state = await log.openCheckpoint(report.checkpoint, policy);
  const entries = await entriesOf(report, state);
  const covered = coveredBy(report, state, entries);
  const bodies = await bodiesOf(report, entries);
  const sets = new Map();
  for (const set of report.sets) sets.set(await setDigest(set), set);
  const pol = entries.filter((one) => one.e.k === "pol");
  const inFront = pol.filter((one) => one.i < report.first).length;
  need(inFront === report.changes.length, "an entry that is no change of policy is shown as one");
  const rules = await timeline(pol, bodies, sets);
  const counts = await countsOf(report, entries, rules.forces);
  const stretches = stretchesOf(report, entries, state, policy);
  const doubts = doubtsOf(report, state, covered, counts);
  doubts.push(...clockDoubts(report, { seen: state.seen, nowMs }, covered, stretches));
  doubts.push(...shortNotices(report, entries, rules.forces, stretches));
  if (doubts.length > 0) return { verdict: "UNDETERMINED", reasons: doubts };
  const allowed = counts.of(report.sector, "allow");
  return { verdict: allowed > 0 ? "PRESENT" : "ABSENT", reasons: found(report, state, rules, counts) };
}
async function entriesOf(report, state) {
  if (report.range.length === 0) throw new Undetermined("the report shows no entries");
  const shown = report.range.map((e, at) => ({ i: report.first + at, e }));
  const indexes = new Set(report.changes.map((one) => one.i));
  const before = indexes.size === report.changes.length && report.changes.every((one) => one.i < report.first);
  need(before, "changes in front of the range are not in front of it");
  const all = [...report.changes, ...shown].sort((a, b) => a.i - b.i);
  const every = [...all];
  for (const one of [report.head, ...report.clock]) {
    const same = every.find((other) => other.i === one.i);
    need(same === undefined || enc.same(same.e.bytes, one.e.bytes), `two entries are shown as entry ${one.i}`);
    if (same === undefined) every.push(one);
  }
  await log.inLog(every, state, report.proof);
  return all;
}
/** Where the clock was wrong, as far as the head covers the log, and behind that as far as the range goes. */
function stretchesOf(report, entries, state, policy) {
  const head = headOf(report.head.e, report.head.i, policy), last = report.first + report.range.length - 1;
  need(head.name === "account" && head.size <= report.head.i, "the head shown is not one of the account map");
  const whole = head.size >= report.first && (head.size > last || last >= state.size - 1);
  need(whole, "the head shown covers less than the period");
  const behind = entries.filter(({ i, e }) => i >= Math.max(head.size, report.first) && e.k === "inc" && String(e.x).startsWith("clock"));
  const reach = (e) => (Number.isInteger(e.n) ? e.n : e.t);
  return [...wrongClock(report, head), ...behind.map(({ e }) => [e.t - reach(e), e.t + reach(e)])];
}
function clockDoubts(report, { seen, nowMs }, covered, stretches) {
  const doubts = [], edges = [report.from, report.to].filter((edge) => edge !== null);
  const torn = stretches.some(([begin, end]) => edges.some((edge) => begin < edge && edge <= end));
  if (torn) doubts.push("the operator's clock was wrong at an edge of the period, as the log itself says");
  const ahead = stretches.some(([begin, end]) => begin <= covered && covered <= end) ? 0 : covered - SLACK_MS;
  if (seen !== null && ahead > (seen + 1) * 1000) doubts.push("the log's clock was ahead of the witnesses' clocks");
  if (nowMs !== null && ahead > nowMs) doubts.push("the log's clock is ahead of yours");
  return doubts;
}
/** Sets that took force in the period after less notice than was announced, by the time that the log was seen. */
function shortNotices(report, entries, forces, stretches) {
  const doubts = [];
  for (const { index, t, notice } of forces) {
    if (notice === null || !inPeriod(report, t) || index < report.first) continue;
    if (notice.index < report.first) {
      doubts.push(`the notice of the rules of entry ${index} is not shown from its announcement on`);
      continue;
    }
    const between = entries.filter(({ i }) => notice.index <= i && i <= index).map(({ e }) => e);
    let ran = 0, starts = between[0].k === "boot" ? 1 : 0;
    for (let at = 1; at < between.length; at++) {
      const [begin, end] = [between[at - 1].t, between[at].t], start = between[at].k === "boot";
      starts += start ? 1 : 0;
      if (!stretches.some(([low, high]) => low <= end && begin <= high)) ran += Math.min(end - begin, start ? LEAST_MS : MOST_MS);
    }
    if (ran + SLACK_MS + 2 * LEAST_MS * starts < notice.effective - notice.t)
      doubts.push(`the rules of entry ${index} took force after less notice than was announced: the clock was set, or wrong`);
  }
  return doubts;
}
function coveredBy(report, state, entries) {
  const last = report.first + report.range.length - 1, [begin, end] = [report.range[0].t, report.range.at(-1).t];
  need(report.first === 0 || begin < (report.from ?? 0), "the report leaves out entries at the beginning of the period");
  const whole = last >= state.size - 1 || (report.to !== null && end >= report.to);
  need(whole, "the report leaves out entries at the end of the period");
  need(entries.every((one, at) => at === 0 || entries[at - 1].e.t <= one.e.t), "times in the log fall");
  return end;
}
async function bodiesOf(report, entries) {
  const at = new Map(entries.map((one) => [one.i, one.e])), bodies = new Map();
  for (const one of report.opened) {
    need(at.get(one.i)?.c !== undefined, "a body is shown that no entry commits to");
    await log.opens(at.get(one.i).c, one.s, one.b);
    bodies.set(one.i, one.b);
  }
  return bodies;
}
const inPeriod = (report, t) => (report.from ?? 0) <= t && (report.to === null || t < report.to);
async function countsOf(report, entries, forces) {
  const excerpts = new Map(report.excerpts.map((one) => [one.i, one]));
  need(excerpts.size === report.excerpts.length, "a decision is opened twice");
  const bySector = new Map(), byPurpose = new Map(), allowed = new Set(), moves = [];
  const add = (counter, ...parts) => counter.set(JSON.stringify(parts), (counter.get(JSON.stringify(parts)) ?? 0) + 1);
  let closed = 0;
  for (const { i, e } of entries) {
    if ((e.k !== "auth" && e.k !== "acc") || i < report.first || !inPeriod(report, e.t)) continue;
    const shown = excerpts.get(i);
    excerpts.delete(i);
    if (shown === undefined) { closed += e.d === "allow" || e.x === "update" ? 1 : 0; continue; }
    await log.opens(e.s, shown.s, shown.b);
    if (e.k === "acc") {
      if ("sector_before" in shown.b) moves.push([shown.b.sector_before, shown.b.sector]);
      continue;
    }
    const known = knownAt(e.t, i, forces).includes(shown.b.policy ?? null);
    need(known, `the decision in entry ${i} names rules that were not in force`);
    if (!report.operations.includes(shown.b.op)) continue;
    add(bySector, shown.b.sector ?? null, e.d);
    if (shown.b.sector !== report.sector) continue;
    add(byPurpose, shown.b.purpose ?? null, e.d);
    if (e.d === "allow") allowed.add(i);
  }
  need(excerpts.size === 0, "an excerpt is shown that belongs to no decision of the period");
  const used = entries.filter(({ e }) => e.k === "use" && allowed.has(e.a)).length;
  const purposes = [...byPurpose].sort().map(([key, number]) => [...JSON.parse(key), number]);
  return { moves, purposes, of: (sector, answer) => bySector.get(JSON.stringify([sector, answer])) ?? 0, used, closed };
}
/** Digests of rules that a decision at this place may name. */
function knownAt(t, index, forces) {
  const before = forces.filter((force) => force.index < index);
  if (before.length === 0) return [null];
  const known = [before.at(-1).policy];
  for (let at = before.length - 1; at > 0 && t - before[at].t <= SWITCH_MS; at--) known.push(before[at - 1].policy);
  return known;
}

function doubtsOf(report, state, covered, counts) {
  const doubts = [], say = (when, why) => { if (when) doubts.push(why); };
  say(!state.quorumMet, "too few of the witnesses that you trust confirmed this state of the log");
  say(report.to !== null && report.to <= (report.from ?? 0), "the period asked for is empty");
  say((report.to ?? 0) > covered, "the period asked for ends after the last entry that this answer covers");
  const early = state.seen !== null && (report.to ?? 0) >= (state.seen + 1) * 1000;
  say(early, "the witnesses confirmed this state before the period asked for was over");
  const erased = counts.closed > 0 && counts.of(report.sector, "allow") === 0;
  say(erased, `${counts.closed} permissions or changes of accounts are shown without an excerpt: erased, or withheld`);
  return doubts;
}
function found(report, state, rules, counts) {
  const begin = report.from ? enc.moment(report.from) : "the first entry";
  const end = report.to === null ? "the last entry" : enc.moment(report.to);
  const [allowed, refused] = ["allow", "deny"].map((answer) => counts.of(report.sector, answer));
  const [left, joined] = [0, 1].map((side) => counts.moves.filter((move) => move[side] === report.sector).length);
  const weaker = rules.forces.filter((force) => force.weakens && inPeriod(report, force.t)).map((force) => force.index);
  return [
    `from ${begin} to ${end}, accounts of the sector '${enc.clean(report.sector)}' were allowed ${allowed} and refused ` +
      `${refused} requests; ${counts.used} were used`,
    `meanwhile ${left} accounts left this sector and ${joined} joined it, and the rules were ` +
      `${weaker.length > 0 ? `WEAKENED (entries ${weaker.join(", ")})` : "not weakened"}`,
    `counted are: ${report.operations.map(enc.clean).join(", ")}`,
    `all ${report.range.length} entries of the log in and around this period are in the file`,
    ...counts.purposes.map(([purpose, answer, number]) => `purpose '${enc.clean(purpose)}', ${answer}: ${number}`),
    ...rules.forces.map((force) => `rules from entry ${force.index} (${enc.moment(force.t)}) on: ${force.notes}`),
    ...log.standing(state),
  ];
}

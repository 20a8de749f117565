// Invoices: this bill is part of the total that the log states for its month.
// In: the value under `invoice`. Out: PRESENT, UNDETERMINED or INVALID.

import * as enc from "./encoding.mjs";
import * as log from "./log.mjs";
import { headOf, lookUp, wrongClock } from "./place.mjs";
const { need } = enc;

const DIGITS = 18;
/** A decimal number in units of 10^-18. */
function decimal(value) {
  const found = /^(0|[1-9][0-9]{0,14})(?:\.([0-9]{1,18}))?$/.exec(enc.text(value));
  need(found !== null, "an amount on the bill is no decimal number");
  return BigInt(found[1] + (found[2] ?? "").padEnd(DIGITS, "0"));
}
const money = (hundredths) => `${Math.floor(hundredths / 100)}.${String(hundredths % 100).padStart(2, "0")}`;

/** First millisecond of a month like 2026-03, and of the one after it. */
function edges(month) {
  const found = /^([0-9]{4})-(0[1-9]|1[0-2])$/.exec(month);
  need(found !== null && found[1] !== "0000", "not a month");
  const [year, at] = [Number(found[1]), Number(found[2])];
  const first = (y, m) => { const day = new Date(0); day.setUTCFullYear(y, m, 1); return day.getTime(); };
  return [first(year, at - 1), first(year, at)];
}

export async function verdict(value, policy, nowMs) {
  enc.members(value, ["bill", "checkpoint", "entry", "head", "path", "proof", "v"], ["clock"]);
  const { bill, checkpoint, entry, path, proof } = value;
  need(value.v === 3, "this invoice is of another version");
  if ("clock" in value) need(enc.list(value.clock).length > 0, "'clock' is empty");
  const head = log.placed(value.head), clock = (value.clock ?? []).map(log.placed);
  need(enc.isObject(bill), "the bill is no object");
  const [run, way, hashes] = [log.placed(entry), enc.b64url(path), enc.hashes(proof)];
  const state = await log.openCheckpoint(enc.text(checkpoint), policy);
  const different = new Map([run, head, ...clock].map((one) => [`${one.i} ${enc.hex(one.e.bytes)}`, one]));
  await log.inLog([...different.values()], state, hashes);
  const { k, n, o = null, r, s, x, y } = run.e;
  need(k === "bil" && Number.isInteger(n) && Number.isInteger(s), "the entry shown is no invoice run");
  const same = enc.text(bill.month) === x && enc.text(bill.currency) === y;
  need(same, "the bill is of another month or currency than the invoice run");
  need("replaces" in bill, "'replaces' is missing");
  const before = enc.time(bill.replaces);
  const older = before === o && (before === null || before < run.i);
  need(older, "the bill and the log say something else about which bill it replaces");
  const [uses, total] = [enc.count(bill.uses), enc.count(bill.total)];
  const key = await enc.sha256(enc.utf8("custodes bill v1\n"), enc.canonicalBytes(bill));
  const there = await lookUp({ hash: enc.b64url(r), count: n, units: s }, key, way);
  const part = there !== null && there.count === BigInt(uses) && there.units === BigInt(total) && enc.same(there.root, key);
  need(part, "the bill is not part of the invoice run, or counts there with another total");
  const account = enc.text(bill.account);
  const exact = enc.list(bill.lines).reduce((sum, line) => {
    need(enc.isObject(line), "an object is missing");
    const parts = enc.list(line.parts).map((part) => {
      need(enc.isObject(part), "an object is missing");
      return [decimal(part.quantity), decimal(part.price)];
    });
    const quantity = parts.reduce((all, [one]) => all + one, 0n), amount = decimal(line.amount);
    need(quantity === decimal(line.quantity), "the parts of a line of the bill do not add up to its quantity");
    const cost = parts.reduce((all, [one, price]) => all + one * price, 0n);
    need(cost === amount * 10n ** BigInt(DIGITS), "a line of the bill is not the sum of its quantities times prices");
    return sum + amount;
  }, 0n);
  need(exact === decimal(bill.sum), "the lines of the bill do not add up to its sum");
  const cent = 10n ** BigInt(DIGITS - 2);
  need((exact + cent / 2n) / cent === BigInt(total), "the total of the bill is not its sum, rounded");
  const counted = headOf(head.e, head.i, policy), [begin, end] = edges(x);
  const behind = counted.name === "account" && run.i < counted.size && counted.size <= head.i;
  need(behind, "the head shown is not one of the account map behind the invoice run");
  const doubts = [], stretches = wrongClock({ clock }, counted);
  if (stretches.some(([from, to]) => [begin, end].some((edge) => from < edge && edge <= to)))
    doubts.push("the operator's clock was wrong at an edge of the month, as the log itself says");
  if (nowMs !== null && end > nowMs) doubts.push("the month is not over by your clock");
  if (state.seen !== null && end > (state.seen + 1) * 1000) doubts.push("the witnesses confirmed this before the month was over");
  if (!state.quorumMet) doubts.unshift("too few of the witnesses that you trust confirmed this log");
  if (doubts.length > 0) return { verdict: "UNDETERMINED", reasons: doubts };
  return {
    verdict: "PRESENT",
    reasons: [
      `account ${enc.clean(account)}, ${x}: ${money(total)} ${y} for ${uses} uses`,
      `the amount is part of ${money(s)} ${y} that the operator billed for that month, as entry ${run.i} of the log states`,
      `all bills of the month together are for ${n} uses; anyone can count the uses of that month in the log`,
      "every line is the sum of quantities times prices, and the lines add up to the total, rounded to hundredths",
      ...(before === null ? [] : [`it replaces the bill of entry ${before}`]),
      ...log.standing(state),
    ],
  };
}

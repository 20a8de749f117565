// Invoices: this bill is part of the total that the log states for its month.
// In: the value under `invoice`. Out: PRESENT, UNDETERMINED or INVALID.

import * as enc from "./encoding.mjs";
import * as log from "./log.mjs";
import { lookUp } from "./place.mjs";
const { need } = enc;

const DIGITS = 15;
/** A decimal number as an integer of 10^-15. */
function decimal(value) {
  const found = /^(0|[1-9][0-9]{0,14})(?:\.([0-9]{1,15}))?$/.exec(enc.text(value));
  need(found !== null, "an amount on the bill is no decimal number");
  return BigInt(found[1] + (found[2] ?? "").padEnd(DIGITS, "0"));
}
const money = (hundredths) => `${Math.floor(hundredths / 100)}.${String(hundredths % 100).padStart(2, "0")}`;

export async function verdict(value, policy) {
  const { bill, checkpoint, entry, path, proof } = enc.members(value, ["bill", "checkpoint", "entry", "path", "proof", "v"]);
  need(value.v === 1, "this invoice is of another version");
  need(enc.isObject(bill), "the bill is no object");
  const [run, way, hashes] = [log.placed(entry), enc.b64url(path), enc.hashes(proof)];
  const state = await log.openCheckpoint(enc.text(checkpoint), policy);
  await log.inLog([run], state, hashes);
  const { k, n, r, s, x, y } = run.e;
  need(k === "bil" && Number.isInteger(n) && Number.isInteger(s), "the entry shown is no invoice run");
  const same = enc.text(bill.month) === x && enc.text(bill.currency) === y;
  need(same, "the bill is of another month or currency than the invoice run");
  const [uses, total] = [enc.count(bill.uses), enc.count(bill.total)];
  const key = await enc.sha256(enc.utf8("custodes bill v1\n"), enc.canonicalBytes(bill));
  const there = await lookUp({ hash: enc.b64url(r), count: n, units: s }, key, way);
  const part = there !== null && there.count === BigInt(uses) && there.units === BigInt(total) && enc.same(there.root, key);
  need(part, "the bill is not part of the invoice run, or counts there with another total");
  const account = enc.text(bill.account);
  const exact = enc.list(bill.lines).reduce((sum, line) => {
    need(enc.isObject(line), "an object is missing");
    return sum + decimal(line.amount);
  }, 0n);
  need(exact === decimal(bill.sum), "the lines of the bill do not add up to its sum");
  const cent = 10n ** BigInt(DIGITS - 2);
  need((exact + cent / 2n) / cent === BigInt(total), "the total of the bill is not its sum, rounded");
  if (!state.quorumMet)
    return { verdict: "UNDETERMINED", reasons: ["too few of the witnesses that you trust confirmed this log"] };
  return {
    verdict: "PRESENT",
    reasons: [
      `account ${enc.clean(account)}, ${x}: ${money(total)} ${y} for ${uses} uses`,
      `the amount is part of ${money(s)} ${y} that the operator billed for that month, as entry ${run.i} of the log states`,
      `all bills of the month together are for ${n} uses; anyone can count the uses of that month in the log`,
      ...log.standing(state),
    ],
  };
}

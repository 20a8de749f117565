// Files about one party under all of its names and numbers.
// In: the value under `party`. Out: ABSENT only where every name is, PRESENT where one is.

import * as enc from "./encoding.mjs";
import { identifierKey, mapOf, nameKeys } from "./names.mjs";
import * as statement from "./statement.mjs";
const { need } = enc;

const MOST_NAMES = 200;

/** The names of all places that a party called so could have. */
export function mapNames(names, identifiers) {
  const keys = identifiers.map(([scheme, value]) => identifierKey(scheme, value));
  const good = keys.every((key) => key !== null && mapOf(key) !== null);
  need(good, "a number has characters, or a length, that no identifier of its register has");
  const found = [...new Set([...keys, ...names.flatMap(nameKeys)])];
  need(found.length > 0 && found.length <= MOST_NAMES, "a party is asked for by 1 to 200 names and numbers");
  return found;
}

export async function verdict(value, policy) {
  enc.members(value, ["identifiers", "names", "statements", "v"]);
  need(value.v === 1, "this file is of another version");
  const names = enc.list(value.names).map(enc.text);
  const identifiers = enc.list(value.identifiers).map((pair) => {
    need(enc.list(pair).length === 2, "an identifier is a pair of texts");
    return pair.map(enc.text);
  });
  const keys = mapNames(names, identifiers);
  const parts = [];
  for (const one of enc.list(value.statements)) {
    enc.members(one, ["digest", "statement"]);
    const digest = await enc.sha256(enc.canonicalBytes(one.statement));
    need(enc.same(enc.b64url(one.digest), digest), "the file is damaged: its checksum does not fit");
    parts.push(statement.parse(one.statement));
  }
  const follow = parts.length === keys.length && parts.every((part, i) => part.identifier === keys[i]);
  need(follow, "the statements are not those that follow from what the party is called");
  const moments = new Set(parts.map((one) =>
    JSON.stringify([one.head.i, enc.hex(one.head.e.bytes), one.checkpoint, one.from, one.to])));
  need(moments.size === 1, "the statements are not of one moment, or not about one period");
  const answers = [];
  for (const part of parts) answers.push(await judged(part, policy));
  for (const word of ["INVALID", "UNDETERMINED"]) {
    const reasons = new Set(answers.filter((one) => one.verdict === word).flatMap((one) => one.reasons));
    if (reasons.size > 0) return { verdict: word, reasons: [...reasons] };
  }
  const found = answers.filter((one) => one.verdict === "PRESENT");
  const asked = [...names, ...identifiers.map((pair) => pair.join(" "))].map(enc.clean).join(", ");
  return {
    verdict: found.length > 0 ? "PRESENT" : "ABSENT",
    reasons: [`asked about: ${asked}`, ...new Set((found.length > 0 ? found : answers).flatMap((one) => one.reasons))],
  };
}
async function judged(part, policy) {
  try {
    return await statement.judge(part, policy, null);
  } catch (error) {
    if (error instanceof enc.Undetermined) return { verdict: "UNDETERMINED", reasons: [error.message] };
    if (error instanceof enc.Invalid) return { verdict: "INVALID", reasons: [error.message] };
    throw error;
  }
}

// Decides again what a ledger says was decided, with nobody's code but Cedar's own.
// In: JSON on standard input: {set: {packs, schema}, decisions: [{acct, op, resource, facts}]}, as in the private bodies of
// `auth` entries. Out: JSON: {digest, decisions: [{allowed, rules}]}.
"use strict";
const crypto = require("node:crypto");
const path = require("node:path");
const fs = require("node:fs");
const cedar = require(path.join(process.argv[2], "@cedar-policy/cedar-wasm/nodejs/cedar_wasm.js"));

function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(",")}}`;
}

function good(answer) {
  if (answer.type !== "success") throw new Error(JSON.stringify(answer.errors));
  return answer;
}

const asked = JSON.parse(fs.readFileSync(0, "utf8"));
const packs = asked.set.packs;
const text = Object.keys(packs).sort().map((name) => packs[name]).join("\n");
const staticPolicies = {};
for (const policy of good(cedar.policySetTextToParts(text)).policies) {
  staticPolicies[good(cedar.policyToJson(policy)).json.annotations.id] = policy;
}
const policies = { staticPolicies };
const moments = ["now", "screened_at"];

function decide(decision) {
  const context = { ...decision.facts };
  for (const name of moments) {
    context[name] = { __extn: { fn: "datetime", arg: new Date(context[name]).toISOString() } };
  }
  const answer = cedar.isAuthorized({
    principal: { type: "Account", id: decision.acct },
    action: { type: "Action", id: decision.op },
    resource: { type: "Resource", id: decision.resource },
    context,
    schema: asked.set.schema,
    validateRequest: true,
    policies,
    entities: [],
  });
  if (answer.type !== "success" || answer.response.diagnostics.errors.length) return { allowed: false, rules: null };
  return { allowed: answer.response.decision === "allow", rules: answer.response.diagnostics.reason.sort() };
}

const digest = crypto.createHash("sha256").update(`custodes policy set v1\n${canonical(asked.set)}`).digest("hex");
process.stdout.write(JSON.stringify({ digest, decisions: asked.decisions.map(decide) }));

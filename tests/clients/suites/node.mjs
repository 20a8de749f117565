// The suite in Node: node node.mjs URL REGION ANN PAIR, with the SDK beside the folder named by NODE_MODULES.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { suite } from "./suite.mjs";

const [url, region, ann, pair] = process.argv.slice(2);
const sdk = createRequire(`${process.env.NODE_MODULES}/`)("@aws-sdk/client-rekognition");
const client = new sdk.RekognitionClient({ endpoint: url, region, maxAttempts: 1 });
console.log(JSON.stringify(await suite(client, sdk, new Uint8Array(readFileSync(ann)), new Uint8Array(readFileSync(pair)))));

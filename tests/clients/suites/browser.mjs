// The suite in a browser, bundled: a page of another origin than the server's calls runSuite.
import * as sdk from "@aws-sdk/client-rekognition";
import { suite } from "./suite.mjs";

globalThis.runSuite = async (endpoint, region, credentials, ann, pair) => {
  const client = new sdk.RekognitionClient({ endpoint, region, credentials, maxAttempts: 1 });
  return suite(client, sdk, Uint8Array.from(ann), Uint8Array.from(pair));
};

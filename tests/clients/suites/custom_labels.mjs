// AWS's Custom Labels flow from JavaScript: arguments are the server's URL, a region, buckets of pictures and results.
// Prints what it found as JSON. Waits with the SDK's own waiters, which look again only after a long while.
import { createRequire } from "node:module";

const sdk = createRequire(`${process.env.NODE_MODULES}/`)("@aws-sdk/client-rekognition");
const [endpoint, region, pictures, results] = process.argv.slice(2);
const client = new sdk.RekognitionClient({ endpoint, region });
const call = (name, input) => client.send(new sdk[`${name}Command`](input));

const { ProjectArn } = await call("CreateProject", { ProjectName: "from-javascript" });
const manifest = { GroundTruthManifest: { S3Object: { Bucket: pictures, Name: "js/train.manifest" } } };
const train = await call("CreateDataset", { ProjectArn, DatasetType: "TRAIN", DatasetSource: manifest });
const test = await call("CreateDataset", { ProjectArn, DatasetType: "TEST" });
await call("DistributeDatasetEntries", { Datasets: [{ Arn: train.DatasetArn }, { Arn: test.DatasetArn }] });
const { ProjectVersionArn } = await call("CreateProjectVersion", {
  ProjectArn,
  VersionName: "v1",
  OutputConfig: { S3Bucket: results, S3KeyPrefix: "js" },
});
await sdk.waitUntilProjectVersionTrainingCompleted(
  { client, maxWaitTime: 300 },
  { ProjectArn, VersionNames: ["v1"] },
);
await call("StartProjectVersion", { ProjectVersionArn, MinInferenceUnits: 1 });
await sdk.waitUntilProjectVersionRunning({ client, maxWaitTime: 300 }, { ProjectArn, VersionNames: ["v1"] });
const image = { S3Object: { Bucket: pictures, Name: "js/red-0.png" } };
const found = await call("DetectCustomLabels", { ProjectVersionArn, Image: image });
await call("StopProjectVersion", { ProjectVersionArn });
await call("DeleteProjectVersion", { ProjectVersionArn });
const deleted = await call("DeleteProject", { ProjectArn });
console.log(JSON.stringify({ labels: found.CustomLabels.map((label) => label.Name), status: deleted.Status }));

// What a program with the AWS SDK for JavaScript v3 does, in Node and in a browser. In: a client, the SDK, two photos as
// Uint8Array. Out: an object with what came of each step; throws where an answer is not what the API promises.
export async function suite(client, sdk, ann, pair) {
  const done = {};
  const send = async (name, input) => {
    const answer = await client.send(new sdk[`${name}Command`](input));
    done[name] = answer.$metadata.httpStatusCode;
    return answer;
  };
  const must = (true_, what) => { if (!true_) throw new Error(what); };
  const Image = { Bytes: ann };
  const people = { CollectionId: "js" };
  await send("CreateCollection", people);
  const indexed = await send("IndexFaces", { ...people, Image, ExternalImageId: "ann" });
  const FaceId = indexed.FaceRecords[0].Face.FaceId;
  const found = await send("SearchFacesByImage", { ...people, Image, FaceMatchThreshold: 90 });
  must(found.FaceMatches[0].Face.FaceId === FaceId, "search by image finds who was indexed");
  must((await send("SearchFaces", { ...people, FaceId })).FaceMatches.length === 0, "search leaves the face itself out");
  must((await send("DetectFaces", { Image: { Bytes: pair }, Attributes: ["ALL"] })).FaceDetails.length === 2, "two faces");
  const compared = await send("CompareFaces", { SourceImage: Image, TargetImage: { Bytes: pair } });
  must(compared.FaceMatches.length + compared.UnmatchedFaces.length === 2, "both faces of the target are compared");
  await send("CreateUser", { ...people, UserId: "u" });
  await send("AssociateFaces", { ...people, UserId: "u", FaceIds: [FaceId] });
  must((await send("SearchUsersByImage", { ...people, Image })).UserMatches[0].User.UserId === "u", "the user is found");
  await send("DisassociateFaces", { ...people, UserId: "u", FaceIds: [FaceId] });
  await send("DeleteUser", { ...people, UserId: "u" });
  const described = await send("DescribeCollection", people);
  must(described.CreationTimestamp instanceof Date && described.FaceCount === 1, "a time is a Date");
  await send("TagResource", { ResourceArn: described.CollectionARN, Tags: { team: "web" } });
  must((await send("ListTagsForResource", { ResourceArn: described.CollectionARN })).Tags.team === "web", "a tag");
  await client.send(new sdk.IndexFacesCommand({ ...people, Image: { Bytes: pair }, ExternalImageId: "pair" }));
  let pages = 0;
  for await (const page of sdk.paginateListFaces({ client, pageSize: 1 }, people)) pages += page.Faces.length;
  must(pages === 3, "pages go on until the end");
  done.ListFaces = 200;
  done.ListCollections = (await client.send(new sdk.ListCollectionsCommand({}))).$metadata.httpStatusCode;
  const refused = async (name, input, kind) => {
    try {
      await client.send(new sdk[`${name}Command`](input));
    } catch (error) {
      must(error instanceof sdk[kind], `${name}: ${error.name} is no ${kind}`);
      must(error.$metadata.requestId && error.message, `${name}: a refusal has an id and a text`);
      return;
    }
    throw new Error(`${name} was not refused`);
  };
  await refused("CreateCollection", people, "ResourceAlreadyExistsException");
  await refused("DescribeCollection", { CollectionId: "nobody" }, "ResourceNotFoundException");
  await refused("DetectFaces", { Image: { Bytes: new Uint8Array([1, 2, 3]) } }, "InvalidImageFormatException");
  await refused("DescribeStreamProcessor", { Name: "nobody" }, "ResourceNotFoundException");
  const { ProjectArn } = await send("CreateProject", { ProjectName: "js" });
  const projects = await send("DescribeProjects", { ProjectNames: ["js"] });
  must(projects.ProjectDescriptions[0].CreationTimestamp instanceof Date, "a project has a time");
  await send("CreateDataset", { ProjectArn, DatasetType: "TRAIN" });
  await send("DeleteProject", { ProjectArn });
  const { SessionId } = await send("CreateFaceLivenessSession", { Settings: { AuditImagesLimit: 1 } });
  must((await send("GetFaceLivenessSessionResults", { SessionId })).Status === "CREATED", "a check that nobody began");
  must((await send("ListMediaAnalysisJobs", {})).MediaAnalysisJobs.length === 0, "no jobs over many pictures");
  must((await send("ListStreamProcessors", {})).StreamProcessors.length === 0, "no stream processors");
  await send("DeleteFaces", { ...people, FaceIds: [FaceId] });
  await send("DeleteCollection", people);
  return done;
}

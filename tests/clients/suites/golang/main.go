// What a program with the AWS SDK for Go v2 does. Usage: main URL REGION ANN PAIR, with a key in the environment.
// Prints the operations that were answered, one a line; ends with a status where an answer is not what the API promises.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func holds(fact bool, what string) {
	if !fact {
		must(errors.New(what))
	}
}

func main() {
	ctx := context.Background()
	ann, err := os.ReadFile(os.Args[3])
	must(err)
	pair, err := os.ReadFile(os.Args[4])
	must(err)
	key := credentials.NewStaticCredentialsProvider(os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), "")
	client := rekognition.New(rekognition.Options{
		Region:           os.Args[2],
		Credentials:      key,
		EndpointResolver: rekognition.EndpointResolverFromURL(os.Args[1]),
	})
	people, image := aws.String("go"), &types.Image{Bytes: ann}

	_, err = client.CreateCollection(ctx, &rekognition.CreateCollectionInput{CollectionId: people})
	must(err)
	fmt.Println("CreateCollection")
	indexed, err := client.IndexFaces(ctx, &rekognition.IndexFacesInput{CollectionId: people, Image: image, ExternalImageId: aws.String("ann")})
	must(err)
	fmt.Println("IndexFaces")
	faceId := *indexed.FaceRecords[0].Face.FaceId
	found, err := client.SearchFacesByImage(ctx, &rekognition.SearchFacesByImageInput{CollectionId: people, Image: image})
	must(err)
	holds(*found.FaceMatches[0].Face.FaceId == faceId && *found.FaceMatches[0].Similarity > 90, "who was indexed is found")
	fmt.Println("SearchFacesByImage")
	detected, err := client.DetectFaces(ctx, &rekognition.DetectFacesInput{Image: &types.Image{Bytes: pair}, Attributes: []types.Attribute{types.AttributeAll}})
	must(err)
	holds(len(detected.FaceDetails) == 2 && detected.FaceDetails[0].AgeRange != nil, "two faces with all attributes")
	fmt.Println("DetectFaces")
	compared, err := client.CompareFaces(ctx, &rekognition.CompareFacesInput{SourceImage: image, TargetImage: &types.Image{Bytes: pair}})
	must(err)
	holds(len(compared.FaceMatches)+len(compared.UnmatchedFaces) == 2, "both faces of the target are compared")
	fmt.Println("CompareFaces")
	described, err := client.DescribeCollection(ctx, &rekognition.DescribeCollectionInput{CollectionId: people})
	must(err)
	holds(*described.FaceCount == 1 && !described.CreationTimestamp.IsZero(), "a time is a time")
	fmt.Println("DescribeCollection")
	count := 0
	pages := rekognition.NewListFacesPaginator(client, &rekognition.ListFacesInput{CollectionId: people, MaxResults: aws.Int32(1)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		must(err)
		count += len(page.Faces)
	}
	holds(count == 1, "pages go on until the end")
	fmt.Println("ListFaces")
	_, err = client.CreateCollection(ctx, &rekognition.CreateCollectionInput{CollectionId: people})
	var exists *types.ResourceAlreadyExistsException
	holds(errors.As(err, &exists), "a second collection of the name is refused by its own error")
	_, err = client.DetectFaces(ctx, &rekognition.DetectFacesInput{Image: &types.Image{Bytes: []byte("no picture")}})
	var format *types.InvalidImageFormatException
	holds(errors.As(err, &format), "what is no picture is refused by its own error")
	project, err := client.CreateProject(ctx, &rekognition.CreateProjectInput{ProjectName: aws.String("go")})
	must(err)
	fmt.Println("CreateProject")
	projects, err := client.DescribeProjects(ctx, &rekognition.DescribeProjectsInput{ProjectNames: []string{"go"}})
	must(err)
	holds(*projects.ProjectDescriptions[0].ProjectArn == *project.ProjectArn, "the project is described")
	fmt.Println("DescribeProjects")
	_, err = client.DeleteProject(ctx, &rekognition.DeleteProjectInput{ProjectArn: project.ProjectArn})
	must(err)
	fmt.Println("DeleteProject")
	_, err = client.ListStreamProcessors(ctx, &rekognition.ListStreamProcessorsInput{})
	must(err)
	fmt.Println("ListStreamProcessors")
	_, err = client.DeleteFaces(ctx, &rekognition.DeleteFacesInput{CollectionId: people, FaceIds: []string{faceId}})
	must(err)
	fmt.Println("DeleteFaces")
	_, err = client.DeleteCollection(ctx, &rekognition.DeleteCollectionInput{CollectionId: people})
	must(err)
	fmt.Println("DeleteCollection")
}

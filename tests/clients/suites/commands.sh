# One command line for each operation, as somebody would type it; run in order by test_cli_examples.py, in a folder with
# the photos ann.png (one face) and pair.png (two), against a server where the film one.mov is in s3://films, pictures
# and manifests in s3://shots, and s3://reports is written to.
# @NAME@ stands for a value that the last answer with that name had, @NAME:first@ for that of the first. "# until PATTERN"
# has the line above it run again until its answer has that.
aws rekognition create-collection --collection-id people --tags team=doors
aws rekognition list-collections --max-results 10
aws rekognition describe-collection --collection-id people
aws rekognition tag-resource --resource-arn @CollectionARN@ --tags floor=2
aws rekognition list-tags-for-resource --resource-arn @CollectionARN@
aws rekognition untag-resource --resource-arn @CollectionARN@ --tag-keys floor
aws rekognition index-faces --collection-id people --image-bytes fileb://pair.png --external-image-id ann --detection-attributes ALL --quality-filter NONE --max-faces 2
aws rekognition list-faces --collection-id people --max-results 5
aws rekognition search-faces --collection-id people --face-id @FaceId@ --face-match-threshold 0
aws rekognition search-faces-by-image --collection-id people --image-bytes fileb://ann.png --face-match-threshold 70 --max-faces 3
aws rekognition create-user --collection-id people --user-id u1 --client-request-token once
aws rekognition associate-faces --collection-id people --user-id u1 --face-ids @FaceId@ --user-match-threshold 80
aws rekognition list-users --collection-id people
aws rekognition search-users --collection-id people --face-id @FaceId@
aws rekognition search-users-by-image --collection-id people --image-bytes fileb://ann.png --max-users 1
aws rekognition disassociate-faces --collection-id people --user-id u1 --face-ids @FaceId@
aws rekognition delete-user --collection-id people --user-id u1
aws rekognition detect-faces --image-bytes fileb://ann.png --attributes ALL
aws rekognition compare-faces --source-image-bytes fileb://ann.png --target-image-bytes fileb://pair.png --similarity-threshold 0
aws rekognition detect-labels --image-bytes fileb://ann.png --max-labels 10 --min-confidence 0 --features GENERAL_LABELS IMAGE_PROPERTIES
aws rekognition detect-moderation-labels --image-bytes fileb://ann.png --min-confidence 0
aws rekognition detect-protective-equipment --image-bytes fileb://pair.png --summarization-attributes MinConfidence=80,RequiredEquipmentTypes=FACE_COVER
aws rekognition detect-text --image-bytes fileb://pair.png --filters WordFilter={MinConfidence=50}
aws rekognition recognize-celebrities --image-bytes fileb://ann.png
aws rekognition get-celebrity-info --id 3LvPP6oYFV
aws rekognition start-face-detection --video S3Object={Bucket=films,Name=one.mov} --face-attributes ALL
aws rekognition get-face-detection --job-id @JobId@
aws rekognition start-face-search --video S3Object={Bucket=films,Name=one.mov} --collection-id people
aws rekognition get-face-search --job-id @JobId@ --sort-by INDEX
aws rekognition start-person-tracking --video S3Object={Bucket=films,Name=one.mov}
aws rekognition get-person-tracking --job-id @JobId@
aws rekognition start-label-detection --video S3Object={Bucket=films,Name=one.mov} --min-confidence 50
aws rekognition get-label-detection --job-id @JobId@ --sort-by TIMESTAMP
aws rekognition start-content-moderation --video S3Object={Bucket=films,Name=one.mov}
aws rekognition get-content-moderation --job-id @JobId@
aws rekognition start-text-detection --video S3Object={Bucket=films,Name=one.mov}
aws rekognition get-text-detection --job-id @JobId@
aws rekognition start-celebrity-recognition --video S3Object={Bucket=films,Name=one.mov}
aws rekognition get-celebrity-recognition --job-id @JobId@
aws rekognition start-segment-detection --video S3Object={Bucket=films,Name=one.mov} --segment-types SHOT TECHNICAL_CUE
aws rekognition get-segment-detection --job-id @JobId@ --max-results 100
aws rekognition delete-faces --collection-id people --face-ids @FaceId@
aws rekognition delete-collection --collection-id people
aws rekognition create-project --project-name colours
aws rekognition describe-projects --project-names colours
aws rekognition create-dataset --project-arn @ProjectArn@ --dataset-type TRAIN --dataset-source GroundTruthManifest={S3Object={Bucket=shots,Name=good.manifest}}
aws rekognition describe-dataset --dataset-arn @DatasetArn@
# until CREATE_COMPLETE
aws rekognition list-dataset-entries --dataset-arn @DatasetArn@ --labeled --max-results 3
aws rekognition list-dataset-labels --dataset-arn @DatasetArn@
aws rekognition update-dataset-entries --dataset-arn @DatasetArn@ --changes file://entries.json
aws rekognition create-dataset --project-arn @ProjectArn@ --dataset-type TEST
aws rekognition distribute-dataset-entries --datasets Arn=@DatasetArn:first@ Arn=@DatasetArn@
aws rekognition delete-dataset --dataset-arn @DatasetArn@
aws rekognition delete-dataset --dataset-arn @DatasetArn:first@
aws rekognition create-project-version --project-arn @ProjectArn@ --version-name one --output-config S3Bucket=reports,S3KeyPrefix=colours --training-data Assets=[{GroundTruthManifest={S3Object={Bucket=shots,Name=good.manifest}}}] --testing-data Assets=[{GroundTruthManifest={S3Object={Bucket=shots,Name=good.manifest}}}]
aws rekognition describe-project-versions --project-arn @ProjectArn@ --version-names one
# until TRAINING_COMPLETED
aws rekognition wait project-version-training-completed --project-arn @ProjectArn@ --version-names one
aws rekognition start-project-version --project-version-arn @ProjectVersionArn@ --min-inference-units 1
aws rekognition describe-project-versions --project-arn @ProjectArn@ --version-names one
# until RUNNING
aws rekognition wait project-version-running --project-arn @ProjectArn@ --version-names one
aws rekognition detect-custom-labels --project-version-arn @ProjectVersionArn@ --image S3Object={Bucket=shots,Name=red-0.png} --min-confidence 0
aws rekognition stop-project-version --project-version-arn @ProjectVersionArn@
aws rekognition put-project-policy --project-arn @ProjectArn@ --policy-name copies --policy-document file://copies.json
aws rekognition list-project-policies --project-arn @ProjectArn@
aws rekognition copy-project-version --source-project-arn @ProjectArn@ --source-project-version-arn @ProjectVersionArn@ --destination-project-arn @ProjectArn@ --version-name two --output-config S3Bucket=reports,S3KeyPrefix=copied
aws rekognition delete-project-policy --project-arn @ProjectArn@ --policy-name copies
aws rekognition describe-project-versions --project-arn @ProjectArn@ --version-names two
# until COPYING_COMPLETED
aws rekognition delete-project-version --project-version-arn @ProjectVersionArn@
aws rekognition delete-project-version --project-version-arn @ProjectVersionArn:first@
aws rekognition delete-project --project-arn @ProjectArn@
aws rekognition start-media-analysis-job --operations-config DetectModerationLabels={MinConfidence=30} --input S3Object={Bucket=shots,Name=list.jsonl} --output-config S3Bucket=reports,S3KeyPrefix=media --job-name night
aws rekognition get-media-analysis-job --job-id @JobId@
# until CompletionTimestamp
aws rekognition list-media-analysis-jobs --max-results 10
aws rekognition create-stream-processor --name yard --role-arn arn:aws:iam::123456789012:role/streams --input KinesisVideoStream={Arn=arn:aws:kinesisvideo:eu-central-1:123456789012:stream/yard/1} --stream-processor-output S3Destination={Bucket=reports,KeyPrefix=yard} --settings ConnectedHome={Labels=[ALL],MinConfidence=50} --notification-channel SNSTopicArn=arn:aws:sns:eu-central-1:123456789012:yard
aws rekognition list-stream-processors
aws rekognition describe-stream-processor --name yard
aws rekognition update-stream-processor --name yard --data-sharing-preference-for-update OptIn=false
aws rekognition start-stream-processor --name yard --start-selector KVSStreamStartSelector={ProducerTimestamp=1} --stop-selector MaxDurationInSeconds=5
aws rekognition stop-stream-processor --name yard
aws rekognition describe-stream-processor --name yard
# until STOPPED|FAILED
aws rekognition delete-stream-processor --name yard
aws rekognition create-face-liveness-session --settings AuditImagesLimit=2
aws rekognition get-face-liveness-session-results --session-id @SessionId@

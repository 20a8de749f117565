# One command line for each implemented operation, as somebody would type it; run in order by test_cli_examples.py, in a
# folder with the photos ann.png (one face) and pair.png (two), against a server where the film one.mov is in s3://films.
# @NAME@ stands for a value that an answer before had under that name.
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

// Each way in which a start on AWS goes wrong has a sentence of its own that names the thing and the next step.
import { expect, test } from 'vitest'
import { describeAwsProblem } from '../../../../lib/storage/aws/problems.ts'

const place = { bucket: 'my-bucket', table: 'my-table' }
const error = (name: string, message = '', more: object = {}) => Object.assign(new Error(message), { name, ...more })

test.each([
  [
    error('CredentialsProviderError', 'Could not load credentials'),
    /^No AWS credentials were found\. Set AWS_ACCESS_KEY_ID/,
  ],
  [error('Error', 'Region is missing'), /^No AWS region is set\. Pass --region, or set AWS_REGION\.$/],
  [error('UnrecognizedClientException', 'The security token is invalid'), /^AWS does not accept the credentials/],
  [error('SignatureDoesNotMatch', 'x'), /^AWS does not accept the credentials/],
  [error('ExpiredTokenException', 'x'), /^The AWS credentials have expired\./],
  [
    error('NoSuchBucket', 'x'),
    /^The bucket my-bucket does not exist in region eu-west-1\. Run: tidelog init --bucket my-bucket --table my-table --region eu-west-1$/,
  ],
  [
    error('ResourceNotFoundException', 'x'),
    /^The table my-table does not exist in region eu-west-1\. Run: tidelog init/,
  ],
  [error('BucketAlreadyExists', 'x'), /^The bucket name my-bucket is taken by another AWS account\./],
  [error('InvalidBucketName', 'x'), /^my-bucket is not a possible name for a bucket/],
  [
    error('Unknown', 'x', { $metadata: { httpStatusCode: 301 } }),
    /lies in another region than eu-west-1\. Pass its region/,
  ],
  [
    error('AccessDeniedException', 'not authorized to perform: dynamodb:GetItem'),
    /^AWS denies access .*dynamodb:GetItem/,
  ],
  [error('Error', '', { code: 'ENOTFOUND' }), /^AWS cannot be reached in region eu-west-1 \(Error: ENOTFOUND\)\.$/],
  [error('TimeoutError', 'too slow'), /^AWS cannot be reached/],
  [
    error('InternalServerError', 'try again'),
    /^AWS answered with an error in region eu-west-1: InternalServerError: try again\.$/,
  ],
])('%s', (problem, sentence) => {
  expect(describeAwsProblem(problem, place, 'eu-west-1')).toMatch(sentence)
})

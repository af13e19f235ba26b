// ApiVersions: what the broker speaks, asked first on every connection. A version that we do not know is answered in version
// 0 with UNSUPPORTED_VERSION and our range for this API alone, and any response has header version 0 (frame.ts), so that a
// client can read it whatever it asked.
import { array, bool, defineApi, int16, int32, int64, type RequestOf, type ResponseInput, string } from '../schema.ts'

export const apiVersions = defineApi({
  key: 18,
  name: 'ApiVersions',
  min: 0,
  max: 4,
  flexibleFrom: 3,
  request: {
    clientSoftwareName: string('3+', { default: '' }),
    clientSoftwareVersion: string('3+', { default: '' }),
  },
  response: {
    errorCode: int16('0+'),
    apiKeys: array('0+', {
      apiKey: int16('0+'),
      minVersion: int16('0+'),
      maxVersion: int16('0+'),
    }),
    throttleTimeMs: int32('1+', { default: 0 }),
    supportedFeatures: array(
      '3+',
      {
        name: string('3+'),
        /** Before version 4, features with minimum 0 must be left out: clients refuse them. */
        minVersion: int16('3+'),
        maxVersion: int16('3+'),
      },
      { tag: 0 },
    ),
    finalizedFeaturesEpoch: int64('3+', { tag: 1, default: -1 }),
    finalizedFeatures: array(
      '3+',
      {
        name: string('3+'),
        maxVersionLevel: int16('3+'),
        minVersionLevel: int16('3+'),
      },
      { tag: 2 },
    ),
    zkMigrationReady: bool('3+', { tag: 3, default: false }),
  },
})

/** A request as handlers get it. */
export type ApiVersionsRequest = RequestOf<typeof apiVersions>
/** A response as handlers give it. */
export type ApiVersionsResponse = ResponseInput<typeof apiVersions>

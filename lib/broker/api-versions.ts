// ApiVersions: which APIs and versions are served. The list is that of the router itself, so nothing is ever advertised that
// does not work. A version that we do not know is answered in version 0 with our own range, from which clients pick again
// (KIP-511); its body is not looked at.
import { ErrorCode } from '../wire/errors.ts'
import { type ApiVersionsRequest, type ApiVersionsResponse, apiVersions } from '../wire/messages/api-versions.ts'
import type { Api } from '../wire/schema.ts'

type Feature = NonNullable<ApiVersionsResponse['supportedFeatures']>[number]

/** From this version on clients say what they are, and know features with minimum 0, respectively. */
const SOFTWARE_FROM = 3
const ZERO_FEATURES_FROM = 4
const SOFTWARE = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/

/**
 * Features that we can finalise. None yet: without `transaction.version` clients use the first version of transactions and
 * cap Produce and EndTxn accordingly.
 */
const FEATURES: readonly Feature[] = []

export function answerApiVersions(
  served: readonly Api[],
  request: ApiVersionsRequest,
  apiVersion: number,
): ApiVersionsResponse {
  if (
    apiVersion >= SOFTWARE_FROM &&
    !(SOFTWARE.test(request.clientSoftwareName) && SOFTWARE.test(request.clientSoftwareVersion))
  ) {
    return { errorCode: ErrorCode.INVALID_REQUEST, apiKeys: [], throttleTimeMs: 0 }
  }
  return {
    errorCode: ErrorCode.NONE,
    apiKeys: served.map((api) => ({ apiKey: api.key, minVersion: api.min, maxVersion: api.max })),
    throttleTimeMs: 0,
    supportedFeatures: featuresFor(FEATURES, apiVersion),
  }
}

/** Clients before version 4 fail on a feature whose minimum is 0. */
export function featuresFor(features: readonly Feature[], apiVersion: number): readonly Feature[] {
  return apiVersion >= ZERO_FEATURES_FROM ? features : features.filter((feature) => feature.minVersion !== 0)
}

/** What a request in an unknown version is told, in version 0. */
export function unsupportedApiVersions(): ApiVersionsResponse {
  const { key, min, max } = apiVersions
  return { errorCode: ErrorCode.UNSUPPORTED_VERSION, apiKeys: [{ apiKey: key, minVersion: min, maxVersion: max }] }
}

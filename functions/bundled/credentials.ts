// Takes the place of `@aws-sdk/credential-provider-node` in bundles: Lambda hands a function its role's credentials in the
// environment and nowhere else, and the other ways to find some (files, single sign-on, instance metadata, each with clients
// of their own) are a seventh of the code that would have to be loaded first.

/** What the SDK asks for its default; the values are read again whenever it asks. */
export function defaultProvider() {
  return async () => {
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env
    if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) throw new Error('the environment has no AWS credentials')
    return {
      accessKeyId: AWS_ACCESS_KEY_ID,
      secretAccessKey: AWS_SECRET_ACCESS_KEY,
      ...(AWS_SESSION_TOKEN ? { sessionToken: AWS_SESSION_TOKEN } : {}),
    }
  }
}

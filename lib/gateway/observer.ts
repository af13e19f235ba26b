// What the gateway tells about its connections while it works (the broker reports the requests themselves). The metrics of
// lib/http listen. Calls must be cheap and must not throw: they are made on the path of every request.

export interface GatewayObserver {
  connectionOpened(): void
  connectionClosed(): void
  bytesIn(count: number): void
  bytesOut(count: number): void
}

/** Nobody listens. */
export const silentObserver: GatewayObserver = {
  connectionOpened: () => {},
  connectionClosed: () => {},
  bytesIn: () => {},
  bytesOut: () => {},
}

// `host:port` as people write it, IPv6 in brackets.

export interface Address {
  readonly host: string
  readonly port: number
}

/** Reads `host:port`, `[::1]:port` or `:port`; `undefined` if it is none of them. */
export function parseAddress(text: string): Address | undefined {
  const match = /^(?:\[([0-9a-fA-F:.%]+)\]|([^\s:[\]/]*)):(\d{1,5})$/.exec(text.trim())
  const port = Number(match?.[3])
  if (match === null || port > 65_535) return undefined
  return { host: match[1] ?? (match[2] || '127.0.0.1'), port }
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

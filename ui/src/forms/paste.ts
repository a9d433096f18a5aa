/** Finds a Hetzner token in whatever was pasted: the token, `HCLOUD_TOKEN=…`, a configuration file. */
export function tokenIn(text: string): string {
  return /(?:^|[^A-Za-z0-9])([A-Za-z0-9]{64})(?![A-Za-z0-9])/.exec(text)?.[1] ?? text.trim()
}

/** Takes a registry login apart that was pasted as one line: `docker login …`, or `https://user:password@host`. */
export function registryIn(text: string): { server: string, user: string, password: string } | null {
  const url = /^https?:\/\/([^:@/\s]+):([^@\s]+)@([^/\s]+)/.exec(text.trim())
  if (url) return { user: decodeURIComponent(url[1] ?? ''), password: decodeURIComponent(url[2] ?? ''), server: url[3] ?? '' }
  if (!/^docker\s+login\s/.test(text.trim())) return null
  const user = /(?:-u|--username)[ =](\S+)/.exec(text)?.[1]
  const password = /(?:-p|--password)[ =](\S+)/.exec(text)?.[1]
  const server = text.trim().split(/\s+/).at(-1) ?? ''
  return user && password && !server.startsWith('-') ? { server, user, password } : null
}

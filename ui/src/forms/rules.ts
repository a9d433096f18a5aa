/**
 * What the core accepts, checked as somebody types.
 *
 * The core checks all of it again and has the last word; this exists so that
 * nobody has to send a form to learn that a name has a blank in it. A rule
 * returns the key of what is wrong, or null.
 */
export type Problem = { key: string, values?: Record<string, string | number> } | null

const MAX_TITLE = 255
const MAX_LABEL = 63
const MIN_PASSPHRASE = 12

/** A name in free text. */
export function title(text: string): Problem {
  const name = text.trim()
  if (name === '') return { key: 'rules.empty' }
  if (name.length > MAX_TITLE) return { key: 'rules.tooLong', values: { max: MAX_TITLE } }
  return null
}

/** A name that ends up in host names, containers and cloud resources. */
export function label(text: string): Problem {
  const name = text.trim()
  if (name === '') return { key: 'rules.empty' }
  if (name.length > MAX_LABEL) return { key: 'rules.tooLong', values: { max: MAX_LABEL } }
  if (!/^[a-z][a-z0-9-]*$/.test(name) || name.endsWith('-')) return { key: 'rules.label' }
  return null
}

/** A host name or an IP address. */
export function host(text: string): Problem {
  const value = text.trim()
  if (value === '') return { key: 'rules.empty' }
  return value.length <= 253 && /^[A-Za-z0-9.:_][A-Za-z0-9.:_-]*$/.test(value) ? null : { key: 'rules.host' }
}

/** A login name. */
export function user(text: string): Problem {
  const value = text.trim()
  if (value === '') return { key: 'rules.empty' }
  return /^[A-Za-z0-9_][A-Za-z0-9._-]{0,31}$/.test(value) ? null : { key: 'rules.user' }
}

/** A whole number from `min` to `max`. */
export function whole(value: number | null | undefined, min: number, max: number): Problem {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max ? null : { key: 'rules.whole', values: { min, max } }
}

/** A TCP port. */
export function port(value: number | null | undefined): Problem {
  return whole(value, 1, 65_535)
}

/** A container image, with or without its tag or digest. */
export function image(text: string): Problem {
  const value = text.trim()
  if (value === '') return { key: 'rules.empty' }
  return /^[a-z0-9][a-z0-9.-]*(:\d+)?(\/[a-z0-9._/-]+)?(:[\w][\w.-]{0,127})?(@sha256:[a-fA-F0-9]{64})?$/.test(value) ? null : { key: 'rules.image' }
}

/** A version of an image. */
export function tag(text: string): Problem {
  const value = text.trim()
  if (value === '') return { key: 'rules.empty' }
  return /^\w[\w.-]{0,127}$/.test(value) ? null : { key: 'rules.tag' }
}

/** A host name for the proxy; empty: none. */
export function domain(text: string): Problem {
  const value = text.trim().toLowerCase()
  if (value === '') return null
  const isLabel = (part: string) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(part)
  return value.length <= 253 && value.includes('.') && value.split('.').every(isLabel) ? null : { key: 'rules.domain' }
}

/** The path of a health check. */
export function path(text: string): Problem {
  return /^\/\S*$/.test(text) ? null : { key: 'rules.path' }
}

/** A passphrase for the vault. */
export function passphrase(text: string): Problem {
  return text.length >= MIN_PASSPHRASE ? null : { key: 'rules.passphrase', values: { min: MIN_PASSPHRASE } }
}

/** A Hetzner API token. */
export function hetznerToken(text: string): Problem {
  if (text.trim() === '') return { key: 'rules.empty' }
  return /^[A-Za-z0-9]{64}$/.test(text.trim()) ? null : { key: 'rules.hetznerToken', values: { length: text.trim().length } }
}

/** A private key file. */
export function privateKey(text: string): Problem {
  if (text.trim() === '') return { key: 'rules.empty' }
  return /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]+-----END [A-Z ]*PRIVATE KEY-----/.test(text) ? null : { key: 'rules.privateKey' }
}

/** Something, whatever it is. */
export function present(text: string | null | undefined): Problem {
  return (text ?? '').trim() === '' ? { key: 'rules.empty' } : null
}

/** The name of an environment variable. */
export function variable(text: string): Problem {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(text) ? null : { key: 'rules.variable' }
}

/** Reads `.env` lines; later lines win, and `bad` are the lines that are none. */
export function parseEnvironment(text: string): { values: Record<string, string>, bad: string[] } {
  const values: Record<string, string> = {}
  const bad: string[] = []
  for (const line of text.split('\n').map(raw => raw.trim()).filter(raw => raw !== '' && !raw.startsWith('#'))) {
    const at = line.indexOf('=')
    const name = line.slice(0, Math.max(at, 0)).replace(/^export\s+/, '').trim()
    if (at < 1 || variable(name)) bad.push(line)
    else values[name] = line.slice(at + 1).trim().replace(/^(["'])(.*)\1$/, '$2')
  }
  return { values, bad }
}

/** Writes variables as `.env` lines. */
export function writeEnvironment(values: Partial<Record<string, string>>): string {
  return Object.entries(values).map(([name, value]) => `${name}=${value ?? ''}`).join('\n')
}

import { type Code, type IpcError } from './bindings.gen'

/** What a generated command resolves to. */
export type Result<T> = { status: 'ok', data: T } | { status: 'error', error: IpcError }

/**
 * A failure that the core named.
 *
 * Everything that is thrown by `call` is one of these: a bridge that breaks
 * (the host is gone, an argument of the wrong shape) becomes `internal`, so a
 * view never has to tell two kinds of failure apart.
 */
export class IpcFailure extends Error {
  override readonly name = 'IpcFailure'
  readonly code: Code
  readonly hint: string | null
  readonly retry: boolean
  readonly incident: string | null

  constructor(error: Omit<IpcError, 'incident'> & { incident: string | null }) {
    super(error.message)
    this.code = error.code
    this.hint = error.hint
    this.retry = error.retry
    this.incident = error.incident
  }
}

/** Returns a command's data, or throws the failure that the core named. */
export async function call<T>(command: Promise<Result<T>>): Promise<T> {
  const result = await command.catch((error: unknown) => {
    throw failureOf(error)
  })
  if (result.status === 'ok') return result.data
  throw new IpcFailure(result.error)
}

/** Reads any thrown value as a failure. */
export function failureOf(error: unknown): IpcFailure {
  if (error instanceof IpcFailure) return error
  const message = error instanceof Error ? error.message : String(error)
  return new IpcFailure({ code: 'internal', message, hint: null, retry: false, incident: null })
}

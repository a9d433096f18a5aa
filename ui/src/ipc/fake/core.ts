import { type IpcError } from '../bindings.gen'
import { handlers } from './handlers'
import { Refusal, world } from './world'

/** Stands in for `@tauri-apps/api/core`. */
export class Channel<T> {
  onmessage: (message: T) => void = () => undefined
}

/**
 * Answers a command as the real host would: after a moment, with a copy, and
 * with a coded error where it says no.
 */
export async function invoke(command: string, args: Record<string, unknown> = {}): Promise<unknown> {
  const name = command.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
  const handler = (handlers as unknown as Record<string, ((...values: unknown[]) => unknown) | undefined>)[name]
  if (!handler) throw new Error(`the fake host has no command \`${command}\``)
  await world.pause(30 + Math.random() * 50)
  try {
    return structuredClone(await handler(...Object.values(structuredClone(args))) ?? null)
  }
  catch (error) {
    if (error instanceof Refusal) throw error.wire satisfies IpcError
    throw error
  }
}

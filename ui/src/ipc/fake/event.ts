import { type CoreEvent } from '../bindings.gen'

/** Stands in for `@tauri-apps/api/event`. */
export type EventCallback<T> = (event: { event: string, id: number, payload: T }) => void

const listeners = new Set<EventCallback<CoreEvent>>()

/** Subscribes to the host's one event. */
export function listen<T>(_name: string, callback: EventCallback<T>): Promise<() => void> {
  const own = callback as unknown as EventCallback<CoreEvent>
  listeners.add(own)
  return Promise.resolve(() => void listeners.delete(own))
}

/** Subscribes until the first event. */
export async function once<T>(name: string, callback: EventCallback<T>): Promise<() => void> {
  const stop = await listen<T>(name, (event) => {
    stop()
    callback(event)
  })
  return stop
}

/** The window never emits; the host does, with `publish`. */
export function emit(): Promise<void> {
  return Promise.resolve()
}

/** Sends a copy of `payload` to every listener, as a process boundary would. */
export function publish(payload: CoreEvent) {
  for (const listener of [...listeners]) listener({ event: 'core-event', id: 0, payload: structuredClone(payload) })
}

import { type CoreEvent, events } from './bindings.gen'

/**
 * Hands every event of the core to `handler` until the returned function is called.
 *
 * Stopping before the host confirmed the subscription is safe: it is ended as
 * soon as it exists.
 */
export function onCoreEvent(handler: (event: CoreEvent) => void): () => void {
  let stopped = false
  const subscription = events.coreEvent.listen(({ payload }) => {
    if (!stopped) handler(payload)
  })
  return () => {
    stopped = true
    void subscription.then(unlisten => unlisten())
  }
}

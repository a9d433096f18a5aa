import { useLocalStorage } from '@vueuse/core'
import { type RemovableRef } from '@vueuse/core'

/**
 * A half-filled form that survives a restart.
 *
 * Only fields that are no secret may be in it: it is kept in plain text. The
 * organization is part of the key, so one client's draft never shows up in
 * another's form.
 */
export function useDraft<T extends object>(form: string, organizationId: string | null, initial: () => T): { draft: RemovableRef<T>, clear: () => void } {
  const draft = useLocalStorage<T>(`flightdeck.draft.${organizationId ?? 'none'}.${form}`, initial(), { mergeDefaults: true })
  return { draft, clear }

  function clear() {
    draft.value = initial()
  }
}

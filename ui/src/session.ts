import { defineStore } from 'pinia'
import { ref } from 'vue'

const RECENT = 5

/** Which organization's workspace is open at this desk, and which were before. */
export const useSession = defineStore('session', () => {
  const organizationId = ref<string | null>(localStorage.getItem('flightdeck.organization'))
  const recent = ref<string[]>(readRecent())
  const connected = ref(true)

  return { organizationId, recent, connected, open }

  function open(id: string) {
    organizationId.value = id
    recent.value = [id, ...recent.value.filter(other => other !== id)].slice(0, RECENT)
    localStorage.setItem('flightdeck.organization', id)
    localStorage.setItem('flightdeck.recent', JSON.stringify(recent.value))
  }

  function readRecent(): string[] {
    try {
      const stored: unknown = JSON.parse(localStorage.getItem('flightdeck.recent') ?? '[]')
      return Array.isArray(stored) ? stored.filter(id => typeof id === 'string') : []
    }
    catch {
      return []
    }
  }
})

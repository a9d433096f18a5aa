import { useLocalStorage } from '@vueuse/core'
import { defineStore } from 'pinia'

/** How this window is laid out; never leaves this machine. */
export const usePreferences = defineStore('preferences', () => {
  const serverColumns = useLocalStorage<Record<string, boolean>>('flightdeck.servers.columns', {})
  const jobsOpen = useLocalStorage('flightdeck.jobs.open', false)
  const checklistHidden = useLocalStorage('flightdeck.checklist.hidden', false)
  return { serverColumns, jobsOpen, checklistHidden }
})

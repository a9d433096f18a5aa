import { type Sample, type Server } from '@/ipc/bindings.gen'

/** How a server is doing, as one word. */
export type Health = 'up' | 'down' | 'failed' | 'pending' | 'new'

/** Reads a server's health from its verification and its last poll. */
export function healthOf({ status, reachable }: Server): Health {
  if (status === 'failed') return 'failed'
  if (status === 'pending') return 'pending'
  if (reachable === null) return 'new'
  return reachable ? 'up' : 'down'
}

/** Sign and colour of each health. */
export const HEALTH = {
  up: { tone: 'success', icon: 'i-lucide-circle-check', spin: false },
  down: { tone: 'error', icon: 'i-lucide-circle-off', spin: false },
  failed: { tone: 'warning', icon: 'i-lucide-triangle-alert', spin: false },
  pending: { tone: 'primary', icon: 'i-lucide-loader-circle', spin: true },
  new: { tone: 'neutral', icon: 'i-lucide-circle-dashed', spin: false },
} as const satisfies Record<Health, { tone: string, icon: string, spin: boolean }>

/** Share of memory in use, in percent. */
export function memoryOf(sample: Sample | null) {
  return sample && sample.memoryTotal > 0 ? sample.memoryUsed / sample.memoryTotal * 100 : null
}

/** Share of the root disk in use, in percent. */
export function diskOf(sample: Sample | null) {
  return sample && sample.diskTotal > 0 ? sample.diskUsed / sample.diskTotal * 100 : null
}

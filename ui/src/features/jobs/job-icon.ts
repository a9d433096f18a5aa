import { type Job } from '@/ipc/bindings.gen'

/** The sign of how far a job is. */
export function jobIcon({ status }: Job) {
  switch (status) {
    case 'queued':
    case 'running': return 'i-lucide-loader-circle'
    case 'undoing': return 'i-lucide-undo-2'
    case 'succeeded': return 'i-lucide-circle-check'
    case 'cancelled': return 'i-lucide-ban'
    case 'failed': return 'i-lucide-circle-x'
    case 'stuck': return 'i-lucide-octagon-alert'
  }
}

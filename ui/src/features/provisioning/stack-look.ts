import { type Action, type StackStatus } from '@/ipc/bindings.gen'

/** Sign and colour of a stack's status. */
export const STACK = {
  pending: { tone: 'neutral', icon: 'i-lucide-circle-dashed', spin: false },
  planning: { tone: 'primary', icon: 'i-lucide-loader-circle', spin: true },
  awaiting_approval: { tone: 'info', icon: 'i-lucide-clipboard-check', spin: false },
  applying: { tone: 'primary', icon: 'i-lucide-loader-circle', spin: true },
  verifying: { tone: 'primary', icon: 'i-lucide-loader-circle', spin: true },
  completed: { tone: 'success', icon: 'i-lucide-circle-check', spin: false },
  failed: { tone: 'error', icon: 'i-lucide-circle-x', spin: false },
  destroying: { tone: 'warning', icon: 'i-lucide-loader-circle', spin: true },
  destroyed: { tone: 'neutral', icon: 'i-lucide-circle-slash', spin: false },
  cancelled: { tone: 'neutral', icon: 'i-lucide-ban', spin: false },
} as const satisfies Record<StackStatus, { tone: string, icon: string, spin: boolean }>

/** Sign and colour of what a plan does to a resource, in the order of a plan's summary. */
export const ACTION = {
  create: { ink: 'text-success', wash: 'bg-success/10', icon: 'i-lucide-plus' },
  update: { ink: 'text-info', wash: 'bg-info/10', icon: 'i-lucide-pencil' },
  replace: { ink: 'text-warning', wash: 'bg-warning/10', icon: 'i-lucide-replace' },
  delete: { ink: 'text-error', wash: 'bg-error/10', icon: 'i-lucide-minus' },
  read: { ink: 'text-muted', wash: 'bg-elevated', icon: 'i-lucide-book-open' },
  no_op: { ink: 'text-muted', wash: 'bg-elevated', icon: 'i-lucide-equal' },
} as const satisfies Record<Action, { ink: string, wash: string, icon: string }>

/** Says whether a stack has a run under way. */
export function isAtWork(status: StackStatus) {
  return status === 'planning' || status === 'applying' || status === 'verifying' || status === 'destroying'
}

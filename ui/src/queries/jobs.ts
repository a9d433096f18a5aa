import { type MaybeRefOrGetter, toValue } from 'vue'
import { commands, type Job } from '@/ipc/bindings.gen'
import { call } from '@/ipc/call'
import { useScoped } from './scoped'

/** The jobs of the open organization that nobody dismissed, newest first. */
export function useJobs() {
  return useScoped(['jobs'], id => call(commands.listJobs(id)))
}

/** A job's log, appended to as it is written. */
export function useJobLog(jobId: MaybeRefOrGetter<string>) {
  return useScoped(() => ['job-log', toValue(jobId)], id => call(commands.listJobLog(id, toValue(jobId), 0)), { enabled: () => toValue(jobId) !== '' })
}

/** Says whether a job is at work or waits to be. */
export function isActive({ status }: Job) {
  return status === 'queued' || status === 'running' || status === 'undoing'
}

/** The share of a job that is done, from 0 to 1. */
export function progressOf({ steps, status }: Job) {
  if (status === 'succeeded') return 1
  if (steps.length === 0) return 0
  const done = steps.reduce((sum, step) => sum + (step.status === 'done' ? 1 : step.status === 'running' ? step.progress ?? 0 : 0), 0)
  return done / steps.length
}

export const jobCommands = {
  cancel: (organizationId: string, id: string) => call(commands.cancelJob(organizationId, id)),
  retry: (organizationId: string, id: string) => call(commands.retryJob(organizationId, id)),
  undo: (organizationId: string, id: string) => call(commands.undoJob(organizationId, id)),
  dismiss: (organizationId: string, id: string) => call(commands.dismissJob(organizationId, id)),
}

import { type QueryClient } from '@tanstack/vue-query'
import { type CoreEvent, type Job, type JobLogLine, type Sample, type Server } from '@/ipc/bindings.gen'
import { onCoreEvent } from '@/ipc/events'

const SETTLE_MS = 60
const SAMPLE_FLUSH_MS = 500
const KEPT_SAMPLES = 1200

type JobListener = (job: Job) => void
const jobListeners = new Set<JobListener>()

/** Calls `listener` with every record of a job, until the returned function is called. */
export function onJob(listener: JobListener): () => void {
  jobListeners.add(listener)
  return () => void jobListeners.delete(listener)
}

/**
 * Keeps the cache true to the core.
 *
 * Changes of the same topic within a few frames become one read, and samples
 * are patched in place in batches, so a thousand servers that report at once
 * cost one copy of the list and not a thousand.
 */
export function followCore(client: QueryClient): () => void {
  const due = new Map<string, readonly unknown[]>()
  const samples = new Map<string, Map<string, Sample & { reachable: boolean }>>()
  let settling: ReturnType<typeof setTimeout> | null = null
  let flushing: ReturnType<typeof setTimeout> | null = null

  return onCoreEvent(receive)

  function receive(event: CoreEvent) {
    switch (event.kind) {
      case 'changed': return invalidate(keysOf(event))
      case 'sampled': return collect(event.organizationId, event.sample, event.reachable)
      case 'job': return patchJob(event.job)
      case 'log': return patchLog(event.organizationId, event.jobId, { number: event.number, at: event.at, step: event.step, text: event.text })
    }
  }

  function keysOf({ topic, organizationId }: Extract<CoreEvent, { kind: 'changed' }>): readonly unknown[][] {
    switch (topic) {
      case 'vault': return [['status'], ['organizations']]
      case 'settings': return [['settings'], ['terraform']]
      case 'organizations': return [['organizations'], ['stylesheet']]
      default: return [[organizationId, topic]]
    }
  }

  function invalidate(keys: readonly unknown[][]) {
    for (const key of keys) due.set(JSON.stringify(key), key)
    settling ??= setTimeout(() => {
      settling = null
      const batch = [...due.values()]
      due.clear()
      for (const queryKey of batch) void client.invalidateQueries({ queryKey }, { cancelRefetch: false })
    }, SETTLE_MS)
  }

  function collect(organizationId: string, sample: Sample, reachable: boolean) {
    const own = samples.get(organizationId) ?? new Map<string, Sample & { reachable: boolean }>()
    own.set(sample.serverId, { ...sample, reachable })
    samples.set(organizationId, own)
    client.setQueryData<Sample[]>([organizationId, 'samples', sample.serverId], list => list && [...list, sample].slice(-KEPT_SAMPLES))
    flushing ??= setTimeout(flush, SAMPLE_FLUSH_MS)
  }

  function flush() {
    flushing = null
    for (const [organizationId, own] of samples) {
      client.setQueryData<Server[]>([organizationId, 'servers'], servers => servers?.map((server) => {
        const fresh = own.get(server.id)
        if (!fresh) return server
        const { reachable, ...latest } = fresh
        return { ...server, latest, reachable }
      }))
    }
    samples.clear()
  }

  function patchJob(job: Job) {
    client.setQueryData<Job[]>([job.organizationId, 'jobs'], (jobs) => {
      if (!jobs) return jobs
      if (job.dismissed) return jobs.filter(other => other.id !== job.id)
      return jobs.some(other => other.id === job.id) ? jobs.map(other => other.id === job.id ? job : other) : [job, ...jobs]
    })
    for (const listener of jobListeners) listener(job)
  }

  function patchLog(organizationId: string, jobId: string, line: JobLogLine) {
    client.setQueryData<JobLogLine[]>([organizationId, 'job-log', jobId], (lines) => {
      if (!lines || lines.some(other => other.number === line.number)) return lines
      return [...lines, line]
    })
  }
}

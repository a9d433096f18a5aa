import { QueryClient } from '@tanstack/vue-query'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Job, type Sample, type Server } from '@/ipc/bindings.gen'
import { publish } from '@/ipc/fake/event'
import { followCore, onJob } from './core-events'

const sample = (serverId: string, cpuPercent: number) => ({ serverId, at: '2026-01-01T00:00:00Z', cpuPercent }) as Sample
const job = (id: string, status: Job['status']) => ({ id, organizationId: 'org', status, dismissed: false }) as Job

let client: QueryClient
let stop: () => void

beforeEach(() => {
  vi.useFakeTimers()
  client = new QueryClient()
  stop = followCore(client)
})
afterEach(() => {
  stop()
  client.clear()
  vi.useRealTimers()
})

describe('what the core tells', () => {
  it('many changes of one topic become one read', () => {
    const invalidate = vi.spyOn(client, 'invalidateQueries')

    for (let index = 0; index < 50; index += 1) publish({ kind: 'changed', organizationId: 'org', topic: 'stacks', id: `stk_${index}` })
    vi.advanceTimersByTime(1000)

    expect(invalidate).toHaveBeenCalledTimes(1)
    expect(invalidate.mock.calls[0]?.[0]).toMatchObject({ queryKey: ['org', 'stacks'] })
  })

  it('a thousand samples cost one copy of the list, and leave other servers as they are', () => {
    const servers = Array.from({ length: 1001 }, (_, index) => ({ id: `srv_${index}`, latest: null, reachable: null }) as Server)
    client.setQueryData(['org', 'servers'], servers)
    const write = vi.spyOn(client, 'setQueryData')

    for (let index = 0; index < 1000; index += 1) publish({ kind: 'sampled', organizationId: 'org', sample: sample(`srv_${index}`, index % 100), reachable: true })
    vi.advanceTimersByTime(1000)

    const after = client.getQueryData<Server[]>(['org', 'servers']) ?? []
    expect(write.mock.calls.filter(([key]) => String(key) === 'org,servers')).toHaveLength(1)
    expect(after[7]?.latest?.cpuPercent).toBe(7)
    expect(after[7]?.reachable).toBe(true)
    expect(after[1000]).toBe(servers[1000])
  })

  it('never touches another organization', () => {
    client.setQueryData(['other', 'servers'], [{ id: 'srv_1', latest: null }])

    publish({ kind: 'sampled', organizationId: 'org', sample: sample('srv_1', 50), reachable: true })
    vi.advanceTimersByTime(1000)

    expect(client.getQueryData(['other', 'servers'])).toEqual([{ id: 'srv_1', latest: null }])
  })

  it('patches a job in place, and takes a dismissed one away', () => {
    client.setQueryData(['org', 'jobs'], [job('a', 'running'), job('b', 'running')])
    const heard = vi.fn()
    const unhear = onJob(heard)

    publish({ kind: 'job', job: job('b', 'succeeded') })
    publish({ kind: 'job', job: { ...job('a', 'failed'), dismissed: true } })
    unhear()

    expect(client.getQueryData<Job[]>(['org', 'jobs'])?.map(one => `${one.id} ${one.status}`)).toEqual(['b succeeded'])
    expect(heard).toHaveBeenCalledTimes(2)
  })

  it('adds a log line once, even when it is told twice', () => {
    client.setQueryData(['org', 'job-log', 'a'], [])
    const line = { kind: 'log', organizationId: 'org', jobId: 'a', number: 1, at: '2026-01-01T00:00:00Z', step: 'plan', text: 'hello' } as const

    publish(line)
    publish(line)

    expect(client.getQueryData<unknown[]>(['org', 'job-log', 'a'])).toHaveLength(1)
  })
})

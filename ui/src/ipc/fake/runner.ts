import { type Code, type Job } from '../bindings.gen'
import { publish } from './event'
import { find, Refusal, type Workspace, world } from './world'

/** Why a step stops its job. */
export class StepFailure extends Error {
  constructor(readonly code: Code, message: string, readonly hint: string | null = null) {
    super(message)
  }
}

/** What a step may do to its job while it runs. */
export interface StepContext {
  job: Job
  log: (text: string) => void
  progress: (share: number) => void
  /** Waits in the world's time, and stops the step once somebody cancelled. */
  wait: (milliseconds: number) => Promise<void>
}

/** One step of simulated work. */
export interface Step {
  name: string
  run: (context: StepContext) => Promise<void> | void
  undo?: () => void
}

interface Plan {
  kind: string
  target: string
  title: string
  steps: Step[]
  canUndo?: boolean
  finished?: (outcome: 'succeeded' | 'failed' | 'cancelled', job: Job) => void
}

const plans = new Map<string, Plan>()

/** Writes a job down, starts it, and returns its id. */
export function startJob(organizationId: string, workspace: Workspace, plan: Plan): string {
  if (workspace.jobs.some(job => job.target === plan.target && ['queued', 'running', 'undoing'].includes(job.status)))
    throw new Refusal('busy', `another job works on this already`, 'wait for it or cancel it', true)
  const job: Job = {
    id: world.id('job'), organizationId, kind: plan.kind, target: plan.target, title: plan.title, status: 'queued',
    steps: plan.steps.map(step => ({ name: step.name, status: 'pending', progress: null, startedAt: null, endedAt: null })),
    failure: null, cancelRequested: false, canUndo: false, createdAt: world.now(), endedAt: null, dismissed: false,
  }
  workspace.jobs.unshift(job)
  workspace.logs.set(job.id, [])
  plans.set(job.id, plan)
  tell(job)
  world.later(120, () => void run(workspace, job, plan))
  return job.id
}

/** Runs a failed or cancelled job again, from its first step. */
export function retryJob(workspace: Workspace, id: string) {
  const job = find(workspace.jobs, id)
  const plan = plans.get(id)
  if (!plan || !['failed', 'cancelled', 'stuck'].includes(job.status)) throw new Refusal('wrong_state', 'this job can\'t be tried again')
  Object.assign(job, { status: 'queued', failure: null, endedAt: null, cancelRequested: false, dismissed: false })
  for (const step of job.steps) Object.assign(step, { status: 'pending', progress: null, startedAt: null, endedAt: null })
  tell(job)
  void run(workspace, job, plan)
}

/** Asks a job to stop at its next chance. */
export function cancelJob(workspace: Workspace, id: string) {
  const job = find(workspace.jobs, id)
  job.cancelRequested = true
  tell(job)
}

/** Tells the window a job's record. */
export function tell(job: Job) {
  publish({ kind: 'job', job })
}

async function run(workspace: Workspace, job: Job, plan: Plan) {
  job.status = 'running'
  for (const [index, step] of plan.steps.entries()) {
    const record = job.steps[index]
    if (!record) continue
    Object.assign(record, { status: 'running', startedAt: world.now() })
    tell(job)
    const context: StepContext = {
      job,
      log: text => write(workspace, job, step.name, text),
      progress: (share) => {
        record.progress = share
        tell(job)
      },
      wait: async (milliseconds) => {
        await world.pause(milliseconds)
        if (job.cancelRequested) throw new StepFailure('cancelled', 'stopped by you')
      },
    }
    try {
      await step.run(context)
      Object.assign(record, { status: 'done', progress: 1, endedAt: world.now() })
      tell(job)
    }
    catch (error) {
      const failure = error instanceof StepFailure ? error : new StepFailure('internal', String(error))
      Object.assign(record, { status: 'failed', endedAt: world.now() })
      write(workspace, job, step.name, failure.message)
      for (const done of plan.steps.slice(0, index).reverse()) done.undo?.()
      const cancelled = failure.code === 'cancelled'
      Object.assign(job, {
        status: cancelled ? 'cancelled' : 'failed',
        failure: cancelled ? null : { code: failure.code, message: failure.message, hint: failure.hint },
        endedAt: world.now(),
      })
      plan.finished?.(cancelled ? 'cancelled' : 'failed', job)
      tell(job)
      return
    }
  }
  Object.assign(job, { status: 'succeeded', endedAt: world.now(), canUndo: plan.canUndo ?? false })
  plan.finished?.('succeeded', job)
  tell(job)
}

function write(workspace: Workspace, job: Job, step: string, text: string) {
  const log = workspace.logs.get(job.id) ?? []
  workspace.logs.set(job.id, log)
  const line = { number: log.length + 1, at: world.now(), step, text }
  log.push(line)
  publish({ kind: 'log', organizationId: job.organizationId, jobId: job.id, ...line })
}
